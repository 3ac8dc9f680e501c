#compdef sealpoint
# zsh completion for sealpoint; made by "sealpoint help --completion zsh".
# The binary knows what fits: its answer is "words", "files" or "directories", then the words.
_sealpoint()
{
    local command=${${(Q)words[1]}/#\~\//$HOME/} line word meaning
    local -a typed answer found shown
    local -i width=0
    typed=("${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}")
    answer=("${(@f)$("$command" __complete "${(@)typed/#\~\//$HOME/}" 2>/dev/null)}")
    case ${answer[1]} in
    files)
        compset -P '--*='
        _files
        ;;
    directories)
        compset -P '--*='
        _files -/
        ;;
    words)
        found=("${(@)answer[2,-1]%%$'\t'*}")
        for word in "${(@)found}"; do
            ((width < $#word)) && width=$#word
        done
        for line in "${(@)answer[2,-1]}"; do
            word=${line%%$'\t'*}
            meaning=${line:$#word+1}
            shown+=("${(r:$width:)word}${meaning:+  -- $meaning}")
        done
        # In our order, the newest snapshot first: _describe would sort them.
        compadd -l -V sealpoint -d shown -a found
        ;;
    esac
}
# Works both when it is sourced and when it is loaded by name from $fpath.
if [[ ${funcstack[1]} == _sealpoint ]]; then
    _sealpoint "$@"
else
    compdef _sealpoint sealpoint
fi
