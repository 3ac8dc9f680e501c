# fish completion for sealpoint; made by "sealpoint help --completion fish".
# The binary knows what fits: its answer is "words", "files" or "directories", then the words.
function __sealpoint_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l answer ($words[1] __complete $words[2..-1] (string unescape -- "$typed"; or echo) 2>/dev/null)
    switch "$answer[1]"
        case words
            printf '%s\n' $answer[2..-1]
        case files directories
            set -l front (string match -r -- '^--[^=]*=' $typed)
            set -l name (string replace -r -- '^--[^=]*=' '' $typed)
            for path in (complete -C "'' $name" | string replace -r '\t.*' '')
                if test $answer[1] = files; or string match -q -- '*/' $path
                    echo "$front$path"
                end
            end
    end
end
complete -c sealpoint -f -k -a '(__sealpoint_complete)'
