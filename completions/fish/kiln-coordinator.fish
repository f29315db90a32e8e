# Completion of kiln-coordinator(8) in fish.
# tests/e2e/manual_test.py compares it with what `kiln-coordinator --help` names.

set -l option complete -c kiln-coordinator
$option -f
$option -l client-endpoint -x -d 'where agents connect'
$option -l worker-endpoint -x -d 'where workers connect'
$option -l http -x -d 'where metrics, health and JSON are served'
$option -l state-dir -xa '(__fish_complete_directories)' -d 'a directory of its own'
$option -l keys -xa '(__fish_complete_directories)' -d 'the farm\'s folder of keys'
$option -l insecure -d 'allow addresses that other machines reach, without keys'
$option -l pools -r -F -d 'TOML file of pools that there shall be'
$option -l lease-lifetime -x -d 'how long a lease lasts (60s)'
$option -l lease-tasks -x -d 'how many tasks may run under one lease (32)'
$option -l request-patience -x -d 'how long a request waits for a slot (10s)'
$option -l staging-per-slot -xa '0 1' -d 'leases beyond each slot (1)'
$option -l heartbeat -x -d 'how often workers and agents show life (1s)'
$option -l missed-heartbeats -x -d 'how many may be missed (3)'
$option -l log-level -xa 'debug info warning error off' -d 'what is logged (info)'
$option -l log-format -xa 'text json' -d 'how it is logged (text)'
$option -l log-file -r -F -d 'file instead of standard error'
$option -l config -r -F -d 'TOML file of settings'
$option -l check-health -d 'ask the one that runs whether it is ready'
$option -s h -l help -d 'list the flags'
$option -l version -d 'print the version'
