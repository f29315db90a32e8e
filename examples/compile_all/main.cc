// Compiles C++ files on the farm, all at once. Usage: compile_all POOL SOURCE…
// POOL is made, with every executor warm, unless it is there; "default" always is.
#include <iostream>
#include <string>
#include <vector>

#include <kiln/kiln.h>

namespace {

int complain(const kiln::Error& error) {
  std::cerr << kiln::name(error.failure) << ": " << error.message << '\n' << error.stderr_text;
  return 1;
}

kiln::Result<kiln::Pool> warm_pool(kiln::Client& client, const std::string& name) {
  if (name == "default") return client.default_pool();
  kiln::PoolSpec spec;
  spec.name = name;
  spec.toolchains = {"g++"};
  return client.new_pool(spec, kiln::Warm::all());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: compile_all POOL SOURCE...\n";
    return 2;
  }
  auto client = kiln::Client::connect();
  if (!client) return complain(client.error());
  auto pool = warm_pool(*client, argv[1]);
  if (!pool) return complain(pool.error());

  std::vector<kiln::Future> compiles;
  for (int i = 2; i < argc; ++i) {
    const std::string source = argv[i];
    kiln::Task task;
    task.kind = kiln::Task::Kind::compile;
    task.argv = {"g++", "-c", source, "-o", source + ".o"};
    task.name = source;
    compiles.push_back(pool->submit(task));
  }
  int status = 0;
  for (const kiln::Future& compile : compiles) {
    const auto& end = compile.get();
    if (!end) {
      status = complain(end.error());
      continue;
    }
    std::cout << end->task << ": " << (end->succeeded() ? "compiled" : "failed") << " on "
              << end->node << '\n';
    std::cerr << end->stderr_text;
    if (!end->succeeded()) status = 1;
  }
  return status;
}
