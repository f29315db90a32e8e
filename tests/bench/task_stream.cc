// task_stream IN_FLIGHT: keeps so many tasks that do nothing on the farm at a time, through the
// library and thus without a process for each, and writes a line for each that has ended. Until
// somebody ends it, or a task fails.
#include <charconv>
#include <cstdio>
#include <cstring>
#include <future>
#include <string>

#include <kiln/kiln.h>
#include <unistd.h>

namespace {

kiln::Task nothing() {
  kiln::Task task;
  task.argv = {"true"};
  return task;
}

class Stream {
 public:
  explicit Stream(kiln::Pool& pool) : pool_(pool) {}

  void submit() {
    pool_.submit(nothing(), [this](const kiln::Result<kiln::TaskResult>& end) { ended(end); });
  }
  // Returns what went wrong.
  std::string wait() { return failed_.get_future().get(); }

 private:
  // On the library's one thread.
  void ended(const kiln::Result<kiln::TaskResult>& end) {
    if (failure_told_) return;
    const bool told = end && end->succeeded() && ::write(STDOUT_FILENO, "\n", 1) == 1;
    if (told) return submit();
    failure_told_ = true;
    failed_.set_value(end ? "a task failed, or nobody reads" : end.error().message);
  }

  kiln::Pool& pool_;
  std::promise<std::string> failed_;
  bool failure_told_ = false;
};

int complain(const std::string& problem) {
  std::fprintf(stderr, "task_stream: %s\n", problem.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const char* const number = argc == 2 ? argv[1] : "";
  int in_flight = 0;
  std::from_chars(number, number + std::strlen(number), in_flight);
  if (in_flight <= 0) return complain("usage: task_stream IN_FLIGHT");
  auto client = kiln::Client::connect();
  if (!client) return complain(client.error().message);
  auto pool = client->default_pool();
  Stream stream(pool);
  for (int i = 0; i < in_flight; ++i) stream.submit();
  const auto problem = stream.wait();
  pool.close();
  return complain(problem);
}
