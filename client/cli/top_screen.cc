#include "client/cli/top_screen.h"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "client/cli/terminal.h"
#include "client/launcher/local_run.h"

namespace kiln::client {
namespace {

constexpr const char* kTakeOver = "\x1b[?1049h\x1b[?25l";  // the alternate screen, without cursor
constexpr const char* kGiveBack = "\x1b[?25h\x1b[?1049l";

}  // namespace

std::string repaint(const std::optional<std::vector<std::string>>& before,
                    const std::vector<std::string>& lines) {
  std::string text = before ? "" : "\x1b[H\x1b[2J";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (before && i < before->size() && (*before)[i] == lines[i]) continue;
    // Each is cleared behind its text and not before it, which would flicker.
    text += "\x1b[" + std::to_string(i + 1) + ";1H" + lines[i] + "\x1b[K";
  }
  return text;
}

TopScreen::TopScreen() {
  if (::isatty(STDIN_FILENO) == 1) {
    keys_ = STDIN_FILENO;
  } else {
    opened_ = UniqueFd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
    keys_ = opened_.get();
  }
  struct termios now {};
  if (keys_ >= 0 && ::tcgetattr(keys_, &now) == 0) {
    before_ = now;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG | IEXTEN);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    ::tcsetattr(keys_, TCSADRAIN, &now);
  }
  write_fully(STDOUT_FILENO, kTakeOver);
}

TopScreen::~TopScreen() {
  write_fully(STDOUT_FILENO, kGiveBack);
  // Keys that nobody read are not for the shell.
  if (before_) ::tcsetattr(keys_, TCSAFLUSH, &*before_);
}

ScreenSize TopScreen::size() {
  return size_of_terminal(STDOUT_FILENO).value_or(ScreenSize{});
}

bool TopScreen::read_keys(std::string& bytes) const {
  std::array<char, 256> buffer{};
  const ssize_t count = ::read(keys_, buffer.data(), buffer.size());
  if (count > 0) bytes.append(buffer.data(), static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
}

// One that is slow, or was stopped by Ctrl-S, shall show what is so then, not all that was so
// since.
bool TopScreen::takes_more() {
  struct pollfd item {};
  item.fd = STDOUT_FILENO;
  item.events = POLLOUT;
  return ::poll(&item, 1, 0) > 0;
}

void TopScreen::show(const std::vector<std::string>& lines) {
  if (!takes_more()) return;
  const ScreenSize now = size();
  if (now != shown_size_) shown_.reset();
  const std::string text = repaint(shown_, lines);
  if (!text.empty()) write_fully(STDOUT_FILENO, text);
  shown_size_ = now;
  shown_ = lines;
}

}  // namespace kiln::client
