// What a job looks like on a timeline: the pieces of it, each with its phases, and where they lie.
// Pure.
//
// What happens on the client is measured there. Of a node's phases the result brings how long they
// took but not when, since its clock is another: they are laid between RUN and its result in their
// order, and what is left over is halved between the way there and the way back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "client/timeline/build_book.h"
#include "client/timeline/lanes.h"

namespace kiln::client {

struct Phase {
  const char* name;
  Span span;
};

struct Piece {
  // On the client: from the call to its lease, writing the outputs, running here, and those that
  // ran nowhere. On a node: an attempt, from its lease to its result.
  enum class Row : std::uint8_t { listing, returning, here, nowhere, node } row = Row::listing;
  const Job* job = nullptr;
  const AttemptTrace* attempt = nullptr;  // of a node's
  std::size_t number = 0;                 // of the attempt, from 1
  bool is_job = false;                    // every job has one piece that stands for it
  Span span;
  std::vector<Phase> phases;  // within the span, one after the other; none is empty
};

// Of one job, in a build that began at `origin`. They point into `job`.
std::vector<Piece> pieces_of(const Job& job, TimePoint origin);

}  // namespace kiln::client
