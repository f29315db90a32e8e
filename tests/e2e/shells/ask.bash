# Usage: bash --norc ask.bash <QUESTIONS: for each line "? LINE", then what its completion offers,
# a line each. There is no line editor: what it would tell the completion's function is made here.
shopt -s extglob
. /usr/share/bash-completion/bash_completion
compopt() { :; }

offers() {
    local spec
    [[ $(complete -p "$1" 2>/dev/null) ]] || __load_completion "$1"
    spec=$(complete -p "$1")
    spec=${spec#* -F }
    "${spec%% *}" "$1" "${@: -1}" "${@: -2:1}"
    printf '%s\n' "${COMPREPLY[@]}"
}

while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    # Where a word ends, as in COMP_WORDBREAKS.
    read -ra COMP_WORDS <<<"${COMP_LINE//=/ = }"
    [[ $COMP_LINE == *[\ =] ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    COMPREPLY=()
    echo "? $COMP_LINE"
    offers "${COMP_WORDS[@]}"
done
