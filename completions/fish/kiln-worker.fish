# Completion of kiln-worker(8) in fish.
# tests/e2e/manual_test.py compares it with what `kiln-worker --help` names.

set -l option complete -c kiln-worker
$option -f
$option -l coordinator -xa '(__fish_print_hostnames)' -d 'HOST[:PORT] of a coordinator'
$option -l listen -x -d 'address for tasks; blobs use the next port'
$option -l advertise -x -d 'where agents reach this worker'
$option -l name -x -d 'name of this node, unique in the farm'
$option -l slots -x -d 'tasks at once'
$option -l label -x -d 'KEY=VALUE that pools select nodes by'
$option -l store -xa '(__fish_complete_directories)' -d 'directory of blobs and toolchains'
$option -l store-pool -xa '(__fish_complete_directories)' -d 'directory of several workers\' stores'
$option -l store-limit -x -d 'bytes of blobs kept (20G)'
$option -l http -x -d 'address of metrics and health'
$option -l grace -x -d 'for running tasks after SIGTERM (30s)'
$option -l report-stuck -x -d 'how often tasks that last longer are logged (60s)'
$option -l key-file -r -F -d 'key file of this worker'
$option -l insecure -d 'allow addresses that other machines reach, without keys'
$option -l log-level -xa 'debug info warning error off' -d 'what is logged (info)'
$option -l log-format -xa 'text json' -d 'how it is logged (text)'
$option -l log-file -r -F -d 'file instead of standard error'
$option -l config -r -F -d 'TOML file of settings'
$option -l check-health -d 'ask the one that runs whether it is ready'
$option -s h -l help -d 'list the flags'
$option -l version -d 'print the version'
