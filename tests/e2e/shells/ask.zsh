# The .zshrc of an interactive zsh that writes to $KILN_ANSWERS, for each line of $KILN_QUESTIONS,
# "? LINE" and what its completion offers, a line each, and ends. Completions work in the line
# editor alone, and that on a terminal.
fpath=($KILN_COMPLETIONS $fpath)
autoload -Uz compinit
compinit -u -D

# With -O, -A or -D a completion only asks for what matches.
compadd() {
  if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
    local -a offered
    builtin compadd -O offered "$@"
    print -rl -- $offered >&3
  fi
  builtin compadd "$@"
}

offer() {
  _main_complete
  compstate[list]= compstate[insert]=
}
zle -C offer list-choices offer

answer() {
  exec 3>$KILN_ANSWERS
  while IFS= read -r BUFFER; do
    CURSOR=$#BUFFER
    print -r -- "? $BUFFER" >&3
    zle offer
  done <$KILN_QUESTIONS
  exit
}
zle -N zle-line-init answer
