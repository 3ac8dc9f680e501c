# bash completion for sealpoint; made by "sealpoint help --completion bash".
# The binary knows what fits: its answer is "words", "files" or "directories", then the words.
_sealpoint()
{
    local command=${COMP_WORDS[0]/#\~\//$HOME/} cur=${COMP_WORDS[COMP_CWORD]}
    local word glue='' i line
    local -a words=() answer=()
    COMPREPLY=()
    # Readline splits words at = and :, which belong to them here.
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((${#words[@]})) && [[ $glue || $word =~ ^[=:]+$ ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        [[ $word =~ ^[=:]+$ ]] && glue=1 || glue=
    done
    [[ $glue ]] && cur=
    local typed=${words[${#words[@]}-1]}
    local front=${typed:0:${#typed}-${#cur}}
    # What is typed comes with its quotes.
    words=("${words[@]//[\"\'\\]/}")
    words=("${words[@]/#\~\//$HOME/}")
    mapfile -t answer < <("$command" __complete "${words[@]}" 2>/dev/null)
    case ${answer[0]-} in
    # Without a word of ours readline completes names, and quotes them as they need it.
    files) compopt -o default 2>/dev/null ;;
    directories) compopt -o dirnames 2>/dev/null ;;
    words)
        compopt -o nosort 2>/dev/null
        for line in "${answer[@]:1}"; do
            line=${line%%$'\t'*}
            COMPREPLY+=("${line#"$front"}")
        done
        ;;
    esac
}
complete -F _sealpoint sealpoint
