// Kiln, a warm, distributed compile pool, as a library: include this.
//
//   auto client = kiln::Client::connect();
//   auto pool = client->new_pool({.name = "mine", .toolchains = {"g++"}}, kiln::Warm::all());
//   kiln::Future end = pool->submit({.argv = {"g++", "-c", "a.cc"}});
//
// Nothing throws, but for std::bad_alloc, and std::bad_variant_access where a Result is asked for
// what it has not. Names are those of kiln::v1, so that programs built against a later version
// cannot mix the two.
#pragma once

#include <kiln/client.h>
#include <kiln/future.h>
#include <kiln/pool.h>
#include <kiln/result.h>
#include <kiln/task.h>

namespace kiln {

using v1::Client;
using v1::Context;
using v1::Environment;
using v1::Error;
using v1::Failure;
using v1::Future;
using v1::Limits;
using v1::name;
using v1::NodeWarmth;
using v1::Options;
using v1::Pool;
using v1::PoolSpec;
using v1::PoolStatus;
using v1::Result;
using v1::Status;
using v1::Task;
using v1::TaskCallback;
using v1::TaskResult;
using v1::Timings;
using v1::Warm;
using v1::WarmUp;

}  // namespace kiln
