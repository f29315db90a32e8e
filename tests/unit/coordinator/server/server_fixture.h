// A server of one test's own, in a directory of its own.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "coordinator/server/server.h"
#include "tests/unit/coordinator/server/peer.h"

namespace kiln::coordinator {

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kiln-coordinator-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    reactor_ = std::move(*net::Reactor::create());
    options_.client_endpoint = options_.worker_endpoint = "tcp://127.0.0.1:0";
    options_.http_address = "127.0.0.1:0";
    options_.state_dir = directory_;
    options_.scheduling.epoch = 0;
    options_.scheduling.missed_heartbeats = 60;
    start();
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(directory_);
  }

  void start() {
    auto server = Server::create(*reactor_, context_, Logger(), options_);
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    options_.client_endpoint = server_->endpoints().client;
    options_.worker_endpoint = server_->endpoints().worker;
  }
  Peer worker() { return Peer(*reactor_, context_, server_->endpoints().worker); }
  Peer client() { return Peer(*reactor_, context_, server_->endpoints().client); }

  static wire::WorkerHello hello(const std::string& name, std::uint64_t epoch = 1) {
    wire::WorkerHello hello;
    hello.node.name = name;
    hello.node.epoch = epoch;
    hello.node.slots = 2;
    hello.node.architecture = "x86_64";
    hello.node.task_address = "tcp://127.0.0.1:1";
    return hello;
  }
  static wire::Acquire acquire(std::uint64_t request, std::uint32_t count = 1) {
    wire::Acquire acquire;
    acquire.request = request;
    acquire.count = count;
    acquire.architecture = "x86_64";
    acquire.build = "build";
    return acquire;
  }
  // The state of the named node as a client sees it.
  std::string state_of(Peer& client, const std::string& name) {
    client.send(wire::FarmQuery{++query_});
    const auto status = client.expect<wire::FarmStatus>();
    if (!status) return "no answer";
    for (const auto& node : status->nodes) {
      if (node.node.name == name) return node.state;
    }
    return "unknown";
  }

  std::filesystem::path directory_;
  std::unique_ptr<net::Reactor> reactor_;
  net::Context context_;
  ServerOptions options_;
  std::unique_ptr<Server> server_;
  std::uint64_t query_ = 0;
};

}  // namespace kiln::coordinator
