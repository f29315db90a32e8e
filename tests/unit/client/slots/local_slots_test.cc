#include "client/slots/local_slots.h"

#include <array>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/client/temporary_directory.h"

namespace kiln::client {
namespace {

TimePoint in(Duration time) {
  return Clock::now() + time;
}

class Slots : public testing::Test {
 protected:
  LocalSlots open(unsigned count, Duration patience = seconds(60)) const {
    auto slots = LocalSlots::open(options(count, patience));
    EXPECT_TRUE(slots) << slots.error().message;
    return *slots;
  }
  SlotOptions options(unsigned count, Duration patience = seconds(60)) const {
    SlotOptions options;
    options.directory = directory_ / "slots";
    options.count = count;
    options.stall_patience = patience;
    return options;
  }

  const TemporaryDirectory directory_;
};

// What processes count together.
struct Counters {
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> done{0};
};

void work_under_a_slot(const LocalSlots& slots, Counters& counters) {
  const auto hold = slots.acquire(in(seconds(50)));
  if (!hold) ::_exit(1);
  const int now = ++counters.running;
  int most = counters.most;
  while (most < now && !counters.most.compare_exchange_weak(most, now)) {
  }
  for (int i = 0; i < 100; ++i) ::sched_yield();
  --counters.running;
  ++counters.done;
  ::_exit(0);
}

TEST_F(Slots, fifty_processes_never_run_more_than_the_slots_and_all_finish) {
  const LocalSlots slots = open(3);
  void* memory =
      ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& counters = *new (memory) Counters;
  std::vector<pid_t> children;
  for (int i = 0; i < 50; ++i) {
    const pid_t child = ::fork();
    if (child == 0) work_under_a_slot(slots, counters);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(counters.done, 50);
  EXPECT_LE(counters.most, 3);
  EXPECT_GE(counters.most, 1);
  ::munmap(memory, sizeof(Counters));
}

// A child that holds the one slot until it is killed.
pid_t holder(const LocalSlots& slots) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto hold = slots.acquire(in(seconds(5)));
    [[maybe_unused]] const auto written = ::write(ends[1], hold ? "+" : "-", 1);
    while (true) ::pause();
  }
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_EQ(byte, '+');
  ::close(ends[0]);
  ::close(ends[1]);
  return child;
}

void kill_and_reap(pid_t child) {
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST_F(Slots, a_killed_holders_slot_is_free) {
  const LocalSlots slots = open(1);
  const pid_t child = holder(slots);
  EXPECT_EQ(slots.acquire(in(milliseconds(20))).error().code, Errc::timed_out);
  kill_and_reap(child);
  EXPECT_TRUE(slots.acquire(in(seconds(5))));
}

TEST_F(Slots, a_waiter_is_woken_by_the_release) {
  const LocalSlots slots = open(1);
  const pid_t child = holder(slots);
  std::thread killer([&] { kill_and_reap(child); });
  EXPECT_TRUE(slots.acquire(in(seconds(20))));
  killer.join();
}

TEST_F(Slots, a_waiter_behind_the_gate_keeps_its_deadline) {
  const LocalSlots slots = open(1);
  const pid_t child = holder(slots);
  std::thread first([&] { EXPECT_FALSE(slots.acquire(in(milliseconds(400)))); });
  std::thread second([&] { EXPECT_FALSE(slots.acquire(in(milliseconds(200)))); });
  first.join();
  second.join();
  kill_and_reap(child);
}

TEST_F(Slots, when_nobody_moves_waiters_give_up_by_patience) {
  const LocalSlots slots = open(1, milliseconds(100));
  const pid_t child = holder(slots);
  const auto stalled = slots.acquire(in(seconds(30)));
  ASSERT_FALSE(stalled);
  EXPECT_EQ(stalled.error().code, Errc::timed_out);
  kill_and_reap(child);
}

TEST_F(Slots, a_slot_passes_through_exec_and_ends_with_the_program) {
  const LocalSlots slots = open(1);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto hold = slots.acquire(in(seconds(5)));
    ::dup2(ends[0], 0);
    if (hold && hold->pass_to_exec()) ::execl("/bin/cat", "cat", nullptr);
    ::_exit(1);
  }
  ::close(ends[0]);
  // It is cat's by the time that cat reads; before that it is the child's.
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  auto early = slots.acquire(in(milliseconds(1)));
  while (early) {
    early = SlotHold();
    early = slots.acquire(in(milliseconds(1)));
  }
  ::close(ends[1]);
  EXPECT_TRUE(slots.acquire(in(seconds(5))));
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST_F(Slots, the_directory_and_its_files_are_for_everybody_whatever_the_umask) {
  const mode_t old = ::umask(077);
  EXPECT_TRUE(open(2).acquire(in(seconds(1))));
  ::umask(old);
  struct stat info {};
  ASSERT_EQ(::stat((directory_ / "slots").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 01777U);
  for (const char* name : {"slots/gate", "slots/slot.0"}) {
    ASSERT_EQ(::stat((directory_ / name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777U, 0666U) << name;
  }
}

TEST_F(Slots, a_link_in_place_of_the_directory_is_refused_or_passed_by) {
  std::filesystem::create_directory(directory_ / "elsewhere");
  std::filesystem::create_symlink(directory_ / "elsewhere", directory_ / "slots");
  EXPECT_FALSE(LocalSlots::open(options(1)));
  SlotOptions with_fallback = options(1);
  with_fallback.fallback_directory = directory_ / "own";
  const auto slots = LocalSlots::open(with_fallback);
  ASSERT_TRUE(slots);
  EXPECT_TRUE(slots->acquire(in(seconds(1))));
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "elsewhere"));
}

TEST_F(Slots, spoiled_slot_files_cost_only_themselves) {
  std::filesystem::create_directory(directory_ / "slots");
  ASSERT_EQ(::mkfifo((directory_ / "slots/slot.0").c_str(), 0666), 0);
  std::filesystem::create_symlink("/etc/passwd", directory_ / "slots/slot.1");
  const LocalSlots slots = open(3);
  const auto hold = slots.acquire(in(seconds(1)));
  EXPECT_TRUE(hold);
  EXPECT_EQ(slots.acquire(in(milliseconds(10))).error().code, Errc::timed_out);
}

TEST(SlotCount, is_at_least_one_and_at_most_the_cores) {
  EXPECT_GE(default_slot_count(), 1U);
  EXPECT_LE(default_slot_count(), std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace kiln::client
