#include "common/net/bulk.h"

#include <random>
#include <string>
#include <thread>
#include <variant>

#include "common/net/dealer.h"
#include "tests/unit/common/net/fake_store.h"
#include "tests/unit/common/net/loop.h"

namespace kiln::net {
namespace {

constexpr std::size_t kMegabyte = 1'000'000;

std::string noise(std::size_t size) {
  std::mt19937 random(7);
  std::string content(size, '\0');
  for (auto& byte : content) byte = static_cast<char>(random() & 0xff);
  return content;
}

// A server and a client on one reactor, each with a store.
class Bulk : public testing::Test {
 protected:
  ~Bulk() override {
    theirs_.write_gate.open();
    mine_.write_gate.open();
  }

  void open(const BulkOptions& options = {}) {
    serve(options);
    client_ = std::move(*BulkClient::connect(parts(mine_), endpoint_, options));
  }
  void serve(const BulkOptions& options) {
    auto router = std::move(*BulkServer::bind(parts(theirs_), kAnyPort, options));
    endpoint_ = router->endpoint();
    server_ = std::make_unique<BulkServer>(parts(theirs_), std::move(router), options);
  }
  BulkParts parts(FakeStore& store) { return {*loop_, context_, *pool_, store, store}; }

  BulkClient::Done note() {
    ++started_;
    return [this](Status status) { ended_.push_back(std::move(status)); };
  }
  bool all_ended() {
    return loop_.run_until([this] { return ended_.size() == started_; });
  }
  Status put(const Digest& digest) {
    client_->put(digest, note());
    EXPECT_TRUE(all_ended());
    return ended_.back();
  }
  Status get(const Digest& digest) {
    client_->get(digest, note());
    EXPECT_TRUE(all_ended());
    return ended_.back();
  }

  std::string endpoint_;
  FakeStore mine_;
  FakeStore theirs_;
  std::unique_ptr<ThreadPool> pool_ = std::make_unique<ThreadPool>(2);
  Context context_;
  Loop loop_;
  std::size_t started_ = 0;
  std::vector<Status> ended_;
  std::unique_ptr<BulkServer> server_;
  std::unique_ptr<BulkClient> client_;
};

TEST_F(Bulk, blobs_of_any_size_travel_both_ways) {
  open();
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kMaxChunkBytes, kMaxChunkBytes + 1,
                                 2 * kMaxChunkBytes, 10 * kMegabyte}) {
    const std::string up = noise(size);
    const std::string down = up + "down";
    const Digest sent = mine_.add(up);
    const Digest fetched = theirs_.add(down);
    auto status = put(sent);
    EXPECT_TRUE(status) << size << ": " << status.error().message;
    EXPECT_TRUE(theirs_.has(sent));
    EXPECT_EQ(theirs_.content(sent), up);
    status = get(fetched);
    EXPECT_TRUE(status) << size << ": " << status.error().message;
    EXPECT_EQ(mine_.content(fetched), down);
  }
}

TEST_F(Bulk, a_blob_that_nobody_has_is_not_found) {
  open();
  EXPECT_EQ(get(digest_of("nothing")).error().code, Errc::not_found);
  EXPECT_EQ(put(digest_of("nothing")).error().code, Errc::not_found);
}

TEST_F(Bulk, a_blob_that_the_receiver_has_is_not_sent) {
  open();
  const Digest digest = mine_.add(noise(5 * kMegabyte));
  theirs_.add(noise(5 * kMegabyte));
  EXPECT_TRUE(put(digest));
  EXPECT_EQ(theirs_.bytes_written, 0U);
  EXPECT_TRUE(get(digest));
  EXPECT_EQ(mine_.bytes_written, 0U);
}

TEST_F(Bulk, corrupt_content_is_refused_both_ways) {
  open();
  const Digest digest = digest_of("right");
  mine_.add(digest, "wrong");
  EXPECT_EQ(put(digest).error().code, Errc::corrupt);
  EXPECT_FALSE(theirs_.has(digest));
  const Digest other = digest_of(noise(kMegabyte));
  theirs_.add(other, noise(kMegabyte + 1));
  EXPECT_EQ(get(other).error().code, Errc::corrupt);
  EXPECT_FALSE(mine_.has(other));
  EXPECT_TRUE(loop_.run_until([&] { return theirs_.writers == 0 && mine_.writers == 0; }));
}

TEST_F(Bulk, many_transfers_share_the_places) {
  BulkOptions options;
  options.active = 4;
  options.active_per_peer = 3;
  open(options);
  for (int i = 0; i < 300; ++i) {
    client_->put(mine_.add("up " + std::to_string(i)), note());
    client_->get(theirs_.add("down " + std::to_string(i)), note());
  }
  ASSERT_TRUE(all_ended());
  for (const auto& status : ended_) EXPECT_TRUE(status) << status.error().message;
  EXPECT_LE(theirs_.most_writers, 3);
  EXPECT_LE(mine_.most_writers, 3);
}

TEST_F(Bulk, too_many_that_wait_are_refused) {
  BulkOptions options;
  options.active = 1;
  options.queued = 2;
  open(options);
  for (int i = 0; i < 10; ++i) client_->put(mine_.add(std::to_string(i)), note());
  ASSERT_TRUE(all_ended());
  int refused = 0;
  for (const auto& status : ended_) {
    if (status) continue;
    EXPECT_EQ(status.error().code, Errc::resource_exhausted);
    ++refused;
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 10);
}

TEST_F(Bulk, a_stalled_receiver_costs_one_window_and_then_the_transfer) {
  BulkOptions options;
  options.stall = milliseconds(300);
  open(options);
  const Digest up = mine_.add(noise(20 * kMegabyte));
  theirs_.write_gate.close();
  EXPECT_EQ(put(up).error().code, Errc::timed_out);
  EXPECT_LE(mine_.bytes_read, options.window_bytes);
  theirs_.write_gate.open();
  EXPECT_TRUE(loop_.run_until([&] { return theirs_.writers == 0; }));
  const Digest down = theirs_.add(noise(20 * kMegabyte) + "other");
  mine_.write_gate.close();
  EXPECT_EQ(get(down).error().code, Errc::timed_out);
  EXPECT_LE(theirs_.bytes_read, options.window_bytes);
}

TEST_F(Bulk, a_slow_receiver_holds_no_more_than_one_window) {
  open();
  const Digest digest = mine_.add(noise(10 * kMegabyte));
  theirs_.write_gate.close();
  client_->put(digest, note());
  const std::size_t window = BulkOptions().window_bytes;
  ASSERT_TRUE(loop_.run_until([&] { return mine_.bytes_read == window; }));
  theirs_.write_gate.open();
  std::size_t most = 0;
  ASSERT_TRUE(loop_.run_until([&] {
    const std::size_t read = mine_.bytes_read;  // first: what is written meanwhile does not count
    const std::size_t written = theirs_.bytes_written;
    most = std::max(most, read - std::min(read, written));
    return ended_.size() == 1;
  }));
  EXPECT_TRUE(ended_[0]);
  EXPECT_LE(most, window);
}

TEST_F(Bulk, a_sender_that_vanishes_leaves_nothing_behind) {
  open();
  theirs_.write_gate.close();
  client_->put(mine_.add(noise(20 * kMegabyte)), note());
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers == 1; }));
  client_.reset();
  theirs_.write_gate.open();
  EXPECT_TRUE(loop_.run_until([&] { return theirs_.writers == 0; }));
  EXPECT_TRUE(ended_.empty());
}

TEST_F(Bulk, a_server_that_vanishes_fails_all_transfers_at_once) {
  BulkOptions options;
  options.active_per_peer = 2;
  open(options);
  theirs_.write_gate.close();
  for (int i = 0; i < 5; ++i) client_->put(mine_.add(noise(5 * kMegabyte) + char('0' + i)), note());
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers == 2; }));
  const TimePoint before = loop_->now();
  server_.reset();
  ASSERT_TRUE(all_ended());
  EXPECT_LT(loop_->now() - before, seconds(10));
  for (const auto& status : ended_) EXPECT_EQ(status.error().code, Errc::unavailable);
}

TEST_F(Bulk, nobody_there_is_unavailable_after_the_stall_time) {
  BulkOptions options;
  options.stall = milliseconds(100);
  open(options);
  const std::string endpoint = endpoint_;
  server_.reset();
  client_ = std::move(*BulkClient::connect(parts(mine_), endpoint, options));
  EXPECT_EQ(get(digest_of("x")).error().code, Errc::unavailable);
}

TEST_F(Bulk, cancel_ends_all_and_frees_the_other_side) {
  open();
  theirs_.write_gate.close();
  for (int i = 0; i < 40; ++i) client_->put(mine_.add(noise(kMegabyte) + char('0' + i)), note());
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers > 0; }));
  client_->cancel_all();
  ASSERT_TRUE(all_ended());
  for (const auto& status : ended_) EXPECT_EQ(status.error().code, Errc::cancelled);
  theirs_.write_gate.open();
  EXPECT_TRUE(loop_.run_until([&] { return theirs_.writers == 0; }));
  const Digest after = mine_.add("after");
  EXPECT_TRUE(put(after));
}

TEST_F(Bulk, one_that_waits_at_a_busy_server_is_kept_alive) {
  BulkOptions serving;
  serving.active = 1;
  serving.stall = milliseconds(600);  // tells those that wait every 200 ms
  serve(serving);
  client_ = std::move(*BulkClient::connect(parts(mine_), endpoint_));
  BulkOptions impatient;
  impatient.stall = milliseconds(400);
  auto second = std::move(*BulkClient::connect(parts(mine_), endpoint_, impatient));
  theirs_.write_gate.close();
  client_->put(mine_.add("holds the only place"), note());
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers == 1; }));
  second->put(mine_.add("waits"), note());
  ASSERT_TRUE(loop_.run_until([&] { return !ended_.empty(); }));
  EXPECT_EQ(ended_[0].error().code, Errc::timed_out) << "the first, after 600 ms";
  theirs_.write_gate.open();
  ASSERT_TRUE(all_ended());
  EXPECT_TRUE(ended_[1]) << ended_[1].error().message;
}

TEST_F(Bulk, readers_and_writers_end_on_the_pool) {
  open();
  EXPECT_TRUE(put(mine_.add(noise(kMegabyte))));
  EXPECT_TRUE(get(theirs_.add("other")));
  theirs_.write_gate.close();
  client_->put(mine_.add("held"), note());
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers == 1; }));
  server_.reset();
  theirs_.write_gate.open();
  ASSERT_TRUE(loop_.run_until([&] { return theirs_.writers == 0; }));
  client_.reset();
  pool_.reset();
  EXPECT_FALSE(mine_.ended_on(std::this_thread::get_id()));
  EXPECT_FALSE(theirs_.ended_on(std::this_thread::get_id()));
}

// A server made by hand.
class RudeServer : public Bulk {
 protected:
  explicit RudeServer(const BulkOptions& options = {}) {
    router_ = std::move(*Router::bind(*loop_, context_, kAnyPort));
    router_->on_message([this](const PeerId& peer, wire::Frames frames) {
      peer_ = peer;
      const auto envelope = wire::decode(std::move(frames));
      if (std::holds_alternative<wire::GetOpen>(envelope->message)) ++asked_;
    });
    connect(options);
  }
  void connect(const BulkOptions& options) {
    client_ = std::move(*BulkClient::connect(parts(mine_), router_->endpoint(), options));
  }
  void say(const wire::Message& message, wire::Frames raw = {}) {
    EXPECT_TRUE(router_->send(peer_, wire::encode(message, std::move(raw))));
  }
  bool asked(int times) {
    return loop_.run_until([&] { return asked_ == times; });
  }

  std::unique_ptr<Router> router_;
  PeerId peer_;
  int asked_ = 0;
};

TEST_F(RudeServer, what_it_says_of_a_transfer_that_was_not_opened_yet_is_ignored) {
  BulkOptions options;
  options.active = 1;
  connect(options);
  client_->get(digest_of("a"), note());
  client_->get(digest_of("b"), note());
  ASSERT_TRUE(asked(1));
  say(wire::GetStart{2, 1, wire::Encoding::raw});
  say(wire::TransferDone{2, "not_found", "made up"});
  say(wire::GetStart{1, 1, wire::Encoding::raw});
  say(wire::Chunk{1, 0, true}, {"a"});
  ASSERT_TRUE(asked(2));
  say(wire::GetStart{2, 1, wire::Encoding::raw});
  say(wire::Chunk{2, 0, true}, {"b"});
  ASSERT_TRUE(all_ended());
  for (const auto& status : ended_) EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(mine_.begun, 2);
}

TEST_F(RudeServer, one_that_lets_a_transfer_wait_for_ever_is_given_up) {
  BulkOptions options;
  options.stall = milliseconds(100);
  options.waits = 5;
  connect(options);
  client_->get(digest_of("a"), note());
  ASSERT_TRUE(asked(1));
  std::function<void()> delay = [&] {
    say(wire::Credit{1, 0});
    if (ended_.empty()) loop_->call_after(milliseconds(5), delay);
  };
  delay();
  ASSERT_TRUE(all_ended());
  EXPECT_EQ(ended_[0].error().code, Errc::timed_out);
}

// Speaks to the server in raw messages.
class RudePeer : public Bulk {
 protected:
  RudePeer() {
    open();
    dealer_ = std::move(*Dealer::connect(*loop_, context_, endpoint_));
    dealer_->on_message([this](wire::Frames frames) {
      got_.push_back(std::move(wire::decode(std::move(frames))->message));
    });
    EXPECT_TRUE(loop_.run_until([&] { return dealer_->connected(); }));
  }
  // What was heard before is no answer to this.
  void say(const wire::Message& message, wire::Frames raw = {}) {
    got_.clear();
    EXPECT_TRUE(dealer_->send(wire::encode(message, std::move(raw))));
  }
  template <typename Kind>
  Kind heard() {
    EXPECT_TRUE(loop_.run_until(
        [&] { return !got_.empty() && std::holds_alternative<Kind>(got_.back()); }));
    return std::get<Kind>(got_.back());
  }

  std::unique_ptr<Dealer> dealer_;
  std::vector<wire::Message> got_;
};

TEST_F(RudePeer, bytes_beyond_the_rules_end_the_transfer) {
  const std::string half(kMaxChunkBytes, 'x');
  const struct {
    wire::Chunk chunk;
    wire::Frames raw;
    const char* why;
  } kRude[] = {
      {{1, 5, false}, {"x"}, "left bytes out"},
      {{1, 0, false}, {}, "one raw frame"},
      {{1, 0, false}, {half + "x"}, "above 256 KiB"},
      {{1, 0, false}, {""}, "an empty chunk"},
      {{1, 0, true}, {std::string(101, 'x')}, "more than it announced"},
  };
  for (const auto& rude : kRude) {
    say(wire::PutOpen{1, digest_of("a"), 100, wire::Encoding::raw});
    EXPECT_EQ(heard<wire::Credit>().bytes, BulkOptions().window_bytes);
    say(rude.chunk, rude.raw);
    const auto done = heard<wire::TransferDone>();
    EXPECT_EQ(done.code, "corrupt");
    EXPECT_NE(done.reason.find(rude.why), std::string::npos) << done.reason;
  }
  EXPECT_TRUE(loop_.run_until([&] { return theirs_.writers == 0; }));
}

TEST_F(RudePeer, bytes_without_credit_end_the_transfer) {
  theirs_.write_gate.close();
  say(wire::PutOpen{1, digest_of("a"), std::uint64_t{1} << 40, wire::Encoding::raw});
  heard<wire::Credit>();
  const std::string part(kMaxChunkBytes, 'x');
  for (std::uint64_t i = 0; i <= BulkOptions().window_bytes / kMaxChunkBytes; ++i) {
    say(wire::Chunk{1, i * kMaxChunkBytes, false}, {part});
  }
  EXPECT_NE(heard<wire::TransferDone>().reason.find("more than it was granted"), std::string::npos);
}

TEST_F(RudePeer, a_number_in_use_and_foreign_kinds_are_refused) {
  say(wire::PutOpen{1, digest_of("a"), 100, wire::Encoding::raw});
  heard<wire::Credit>();
  say(wire::GetOpen{1, digest_of("b"), 1});
  EXPECT_EQ(heard<wire::Refused>().code, "already_exists");
  say(wire::Acquire{});
  EXPECT_EQ(heard<wire::Refused>().code, "invalid_argument");
  say(wire::Ping{5});
  EXPECT_EQ(heard<wire::Pong>().number, 5U);
}

TEST_F(RudePeer, another_version_is_refused_with_both_numbers) {
  EXPECT_TRUE(dealer_->send({std::string("\0\x09\0\1", 4), "\x80"}));
  const auto refused = heard<wire::Refused>();
  EXPECT_EQ(refused.code, "version_mismatch");
  EXPECT_NE(refused.reason.find("protocol 9"), std::string::npos);
}

TEST_F(RudePeer, a_getter_that_never_reads_on_costs_its_own_credit) {
  const Digest digest = theirs_.add(noise(10 * kMegabyte));
  say(wire::GetOpen{1, digest, 1000});
  EXPECT_TRUE(loop_.run_until(
      [&] { return !got_.empty() && std::holds_alternative<wire::Chunk>(got_.back()); }));
  EXPECT_EQ(theirs_.bytes_read, 1000U);
  say(wire::GetOpen{2, digest, ~std::uint64_t{0}});
  EXPECT_TRUE(
      loop_.run_until([&] { return theirs_.bytes_read == 1000 + BulkOptions().window_bytes; }));
}

}  // namespace
}  // namespace kiln::net
