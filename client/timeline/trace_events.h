// A build's timeline as Chrome trace events, which Perfetto shows: pure.
//
// One process is this client, with rows for listing, for what comes back, for what runs here and
// for what ran nowhere; one more is each node, with a row for each slot. Every job has just one
// event of the category "job"; attempts that did not decide it are "attempt", what the client does
// for it "client", and the phases within all of these "phase".
#pragma once

#include <string>
#include <vector>

#include "client/timeline/build_book.h"

namespace kiln::client {

// A JSON object with one event a line; times in whole microseconds since the build began. `client`:
// this machine's name. About 1.5 KB a job.
std::string trace_events(const BuildTimeline& build, const std::string& client);

// The answer to `kiln trace --list`; the newest build comes first.
std::string build_list(const std::vector<BuildSummary>& builds);

}  // namespace kiln::client
