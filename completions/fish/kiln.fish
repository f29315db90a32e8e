# Completion of kiln(1) in fish.
# tests/e2e/manual_test.py compares it with what `kiln --help` names.

# What the farm says. Only an agent that runs is asked, and for a second at most: a key that is
# pressed starts nothing, and waits for nothing slow.
function __fish_kiln_ask
    set -l sockets "$XDG_RUNTIME_DIR/kiln/agent.sock" /tmp/kiln-(id -u)/agent.sock
    test -n "$KILN_SOCKET"; and set sockets "$KILN_SOCKET"
    test -S "$sockets[1]" -o -S "$sockets[-1]"; or return
    timeout 1 kiln $argv --json 2>/dev/null </dev/null
end

# Members come in the order of the alphabet: what follows a name tells whose it is.
function __fish_kiln_nodes
    __fish_kiln_ask nodes | string match -arg '"name":"([^"]*)","queued":'
end

function __fish_kiln_pools
    __fish_kiln_ask pools | string match -arg '"name":"([^"]*)","nodes":'
end

function __fish_kiln_builds
    __fish_kiln_ask trace --list | string match -arg '"name":"([^"]*)","remote":'
end

function __fish_kiln_compilers
    set -l programs $PATH/*
    string replace -r '.*/' '' -- $programs |
        string match -r '^(?:.*-)?(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+)(?:-[0-9.]+)?$'
end

function __fish_kiln_commands
    printf '%s\n' status nodes tasks top drain resume log pools pool warm stats why trace run \
        keys config doctor agent
end

function __fish_kiln_is_first
    test (count (commandline -opc)) -eq 1
end

# Whether the command that is typed is one of these, with its action where it has some.
function __fish_kiln_is
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv; or contains -- "$words[2] $words[3]" $argv
end

# Whether the action of this command comes next.
function __fish_kiln_acts
    set -l words (commandline -opc)
    test (count $words) -eq 2 -a "$words[2]" = $argv[1]
end

# Whether there are so many words that are no options, kiln's own name with them.
function __fish_kiln_has
    test (count (string match -v -- '-*' (commandline -opc))) -eq $argv[1]
end

# The words of the command that kiln is to run, if they have begun.
function __fish_kiln_program
    set -l words (commandline -opc)
    set -e words[1]
    set -q words[1]; or return 1
    if test "$words[1]" = run
        set -e words[1]
        argparse -s 'input=+' 'output=+' -- $words 2>/dev/null; or return 1
        set words $argv
        # A word before the cursor is the program, or the end of the options is.
        if not set -q words[1]
            contains -- -- (commandline -opc); or return 1
        end
    else if contains -- "$words[1]" (__fish_kiln_commands) help
            or string match -q -- '-*' "$words[1]"
        return 1
    end
    string join0 -- $words (commandline -ct)
    return 0
end

function __fish_kiln_complete_program
    set -l words (__fish_kiln_program | string split0)
    __fish_complete_subcommand --commandline $words
end

function __fish_kiln_option
    complete -c kiln -n "__fish_kiln_is $argv[1]" $argv[2..]
end

complete -c kiln -f
complete -c kiln -n '__fish_kiln_program >/dev/null' -xa '(__fish_kiln_complete_program)'
complete -c kiln -n '__fish_kiln_is_first; and test -n "$(commandline -ct)"' \
    -a '(__fish_kiln_compilers)' -d Compiler

# The commands.
for line in \
        'status:the agent, its coordinators, and whether jobs run remotely' \
        'nodes:the machines of the farm and what they do' \
        'tasks:the tasks that run or wait now' \
        'top:all of it live' \
        'drain:no new tasks for a node' \
        'resume:tasks for a node again' \
        'log:how much a process logs, and changing it' \
        'pools:all pools' \
        'pool:make, show or change a pool' \
        'warm:make the farm ready for a build' \
        'stats:how many jobs ran where, and why' \
        'why:where a file was compiled last, and why there' \
        'trace:a build\'s timeline' \
        'run:run any command remotely' \
        'keys:who may come into the farm' \
        'config:every setting, its value and where it comes from' \
        'doctor:check everything that can be wrong' \
        'agent:stop the agent'
    set -l parts (string split -m 1 : $line)
    complete -c kiln -n __fish_kiln_is_first -a $parts[1] -d $parts[2]
end
complete -c kiln -n __fish_kiln_is_first -s j -d 'a good number for make -j now'
complete -c kiln -n __fish_kiln_is_first -l version -d 'print the version'
complete -c kiln -n 'not __fish_kiln_program >/dev/null' -l help -d 'tell what there is'

# Their actions.
for line in 'create:make one' 'show:its nodes, how warm they are' 'warm:make executors ready' \
        'quiesce:stop its executors until they are needed' 'wake:bring them back' \
        'resize:executors on each node' 'delete:on the whole farm'
    set -l parts (string split -m 1 : $line)
    complete -c kiln -n '__fish_kiln_acts pool' -a $parts[1] -d $parts[2]
end
for line in 'init:make what the farm needs' 'new:make a key' \
        'allow:let in who made a key elsewhere' 'revoke:let a key in no more' 'list:all keys' \
        'trust:put a coordinator\'s key into key files' 'distrust:take it out'
    set -l parts (string split -m 1 : $line)
    complete -c kiln -n '__fish_kiln_acts keys' -a $parts[1] -d $parts[2]
end
complete -c kiln -n '__fish_kiln_acts agent' -a stop -d 'the next call starts it again'

# What they take beside options.
complete -c kiln -n '__fish_kiln_is drain resume; and __fish_kiln_has 2' \
    -a '(__fish_kiln_nodes)' -d Node
complete -c kiln -n '__fish_kiln_is log; and __fish_kiln_has 2' \
    -a 'agent coordinator (__fish_kiln_nodes)' -d Process
complete -c kiln -n '__fish_kiln_is log; and not __fish_kiln_has 2' \
    -a 'debug info warning error off' -d Level
complete -c kiln \
    -n '__fish_kiln_is "pool "{show,warm,quiesce,wake,resize,delete}; and __fish_kiln_has 3' \
    -a '(__fish_kiln_pools)' -d Pool
complete -c kiln -n '__fish_kiln_is "pool warm"; and __fish_kiln_has 4' -a all -d 'all executors'
complete -c kiln -n '__fish_kiln_is trace; and __fish_kiln_has 2' \
    -a '(__fish_kiln_builds)' -d Build
complete -c kiln -n '__fish_kiln_is doctor warm' -a '(__fish_kiln_compilers)' -d Compiler
complete -c kiln -n '__fish_kiln_is why "keys trust" "keys distrust"' -F

# Their options.
set -l json -l json -d 'print the answer as JSON'
__fish_kiln_option 'status nodes tasks drain resume log -j pools pool warm' $json
__fish_kiln_option 'stats why trace config doctor --version "agent stop" "keys list"' $json
__fish_kiln_option top -l interval -x -d 'between two looks (1s)'
__fish_kiln_option log -l for -x -d 'then the levels are what they were'
__fish_kiln_option 'drain resume' -l no-wait -d 'do not wait'
__fish_kiln_option trace -l list -d 'the builds that are remembered'
__fish_kiln_option 'drain resume warm "pool create" "pool warm" "pool wake"' \
    -l timeout -x -d 'how long to wait (5m)'

set -l create '"pool create"'
__fish_kiln_option $create -l context -xa 'spawn fork forkserver' -d 'what its executors are'
__fish_kiln_option $create -l toolchain -xa '(__fish_kiln_compilers)' \
    -d 'command whose toolchain they hold'
__fish_kiln_option $create -l executors -x -d 'on each node'
__fish_kiln_option $create -l nodes -x -d 'labels of the nodes'
__fish_kiln_option $create -l limit -xa 'time= memory= output=' -d 'of each task'
__fish_kiln_option $create -l init -x -d 'a step before an executor is ready'
__fish_kiln_option $create -l init-timeout -x -d 'for all steps together (60s)'
__fish_kiln_option $create -l probe -x -d 'must end well, after all steps'
__fish_kiln_option $create -l keep -r -F -d 'file of the first toolchain, stays in memory'
__fish_kiln_option $create -l env -x -d 'NAME=VALUE for the steps'
__fish_kiln_option $create -l warm -xa all -d 'so many are ready now, on all nodes together'
__fish_kiln_option $create -l min-warm -x -d 'so many always, on all nodes together'
__fish_kiln_option $create -l window -x -d 'so many at these times'
__fish_kiln_option $create -l idle -x -d 'without a task until a node\'s are stopped (never)'

__fish_kiln_option warm -l compile-commands -r -F -d 'a compilation database'
__fish_kiln_option warm -l pool -xa '(__fish_kiln_pools)' -d 'in this pool'
__fish_kiln_option warm -l executors -xa all -d 'so many ready, on all nodes together'

complete -c kiln -n '__fish_kiln_is run; and not __fish_kiln_program >/dev/null' \
    -l input -r -F -d 'file or folder that travels there'
complete -c kiln -n '__fish_kiln_is run; and not __fish_kiln_program >/dev/null' \
    -l output -r -F -d 'file that comes back'

__fish_kiln_option '"keys init" "keys new" "keys allow" "keys revoke" "keys list"' \
    -l dir -xa '(__fish_complete_directories)' -d 'the farm\'s folder of keys'
set -l role -l role -d 'what its owner may do'
__fish_kiln_option '"keys new"' $role -xa 'client worker admin coordinator'
__fish_kiln_option '"keys allow"' $role -xa 'client worker admin'
__fish_kiln_option '"keys new"' -l out -r -F -d 'where the new key goes'
__fish_kiln_option '"keys new"' -l coordinator -x -d 'public key that it trusts'
functions -e __fish_kiln_option
