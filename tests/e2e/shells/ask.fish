# Usage: fish ask.fish <QUESTIONS: for each line "? LINE", then what its completion offers, a line
# each; after --option= the value alone, as other shells have it.
while read line
    echo "? $line"
    complete -C "$line" | string replace -r '\t.*' '' | string replace -r '^--[a-z-]+=' ''
end
