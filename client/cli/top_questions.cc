#include "client/cli/top_questions.h"

#include <algorithm>
#include <utility>

#include "client/cli/question.h"
#include "common/wire/stream.h"

namespace kiln::client {
namespace {

// An agent asks its coordinator, and says so itself when that does not answer.
constexpr Duration kPatience = seconds(10);

}  // namespace

TopQuestions::TopQuestions(const Caller& caller, TimePoint now)
    : deadline_(now + kPatience),
      questions_{{{"status", {}, {}}, {"nodes", {}, {}}, {"pools", {}, {}}, {"tasks", {}, {}}}} {
  for (Question& question : questions_) {
    auto fd = send(question.name, caller);
    if (fd) {
      question.fd = std::move(*fd);
      continue;
    }
    // The others would find no other agent.
    for (Question& one : questions_) one.answer = fail(fd.error());
    return;
  }
}

Result<UniqueFd> TopQuestions::send(const std::string& name, const Caller& caller) {
  KILN_TRY_ASSIGN(const AgentLinkOptions options, link_options(caller));
  KILN_TRY_ASSIGN(UniqueFd fd, connect_to_running_agent(options));
  PeopleCommand line;
  line.name = name;
  KILN_TRY(wire::send_message(fd.get(), describe_command(line, caller)));
  return fd;
}

std::vector<struct pollfd> TopQuestions::items() const {
  std::vector<struct pollfd> items;
  for (const Question& question : questions_) {
    if (!question.answer) items.push_back({question.fd.get(), POLLIN, 0});
  }
  return items;
}

void TopQuestions::read(Question& question) {
  auto envelope = wire::receive_message(question.fd.get());
  if (!envelope) {
    question.answer = fail(envelope.error());
  } else if (!std::holds_alternative<wire::Pong>(envelope->message)) {  // its greeting
    question.answer = read_reply(std::move(*envelope));
  }
}

void TopQuestions::take(const std::vector<struct pollfd>& items, TimePoint now) {
  for (Question& question : questions_) {
    if (question.answer) continue;
    const bool is_readable = std::any_of(items.begin(), items.end(), [&](const auto& item) {
      return item.fd == question.fd.get() && item.revents != 0;
    });
    if (is_readable) read(question);
    if (!question.answer && now >= deadline_) {
      question.answer = fail(Errc::timed_out,
                             "the agent does not answer; if that goes on, kill the process "
                             "kiln-agent to get a new one");
    }
    if (question.answer) question.fd.reset();
  }
}

bool TopQuestions::is_answered() const {
  return std::all_of(questions_.begin(), questions_.end(),
                     [](const Question& question) { return question.answer.has_value(); });
}

TopAnswers TopQuestions::answers() const {
  return {*questions_[0].answer, *questions_[1].answer, *questions_[2].answer,
          *questions_[3].answer};
}

}  // namespace kiln::client
