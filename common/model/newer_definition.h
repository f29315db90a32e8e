// Which of two definitions of a pool counts.
#pragma once

#include "common/model/pool.h"

namespace kiln {

// Of two coordinators that changed a pool at once, all coordinators and workers must believe the
// same one: where version, deletion and time are equal, the text decides. False for equal ones.
bool counts_before(const PoolDefinition& one, const PoolDefinition& other);

}  // namespace kiln
