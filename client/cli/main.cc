// The binary `kiln`: what every compile job starts, and the command line for people.
#include <array>
#include <climits>

#include <unistd.h>

#include "client/cli/cli.h"
#include "client/launcher/call.h"
#include "client/launcher/invocation.h"
#include "client/launcher/local_run.h"
#include "client/paths/program.h"

namespace kiln::client {
namespace {

int run(const std::vector<std::string>& argv) {
  Caller caller;
  caller.environment = read_environment(environ);
  std::array<char, PATH_MAX> directory;
  if (::getcwd(directory.data(), directory.size()) != nullptr) caller.cwd = directory.data();
  if (auto self = own_executable()) caller.self = *self;
  const Invocation invocation = interpret(argv);
  if (invocation.kind == Invocation::Kind::unknown_name) {
    complain("called as '" + argv.front() +
             "', which is no compiler's name that Kiln knows; write " +
             "kiln before the command, or name the link gcc, g++, cc, c++, clang or clang++");
    return kNoProgram;
  }
  if (invocation.kind == Invocation::Kind::command) {
    return run_command_line(invocation.words, caller);
  }
  CallRequest request;
  request.argv = invocation.words;
  return make_call(request, caller);
}

}  // namespace
}  // namespace kiln::client

int main(int argc, char** argv) {
  return kiln::client::run(std::vector<std::string>(argv, argv + argc));
}
