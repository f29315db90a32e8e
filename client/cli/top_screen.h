// A terminal that is taken over for a page and given back as it was.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <termios.h>

#include "client/cli/screen_size.h"
#include "common/base/unique_fd.h"

namespace kiln::client {

// What a terminal that shows `before` has to be sent to show `lines`: only those that are others.
// Without `before` it shows nothing that is known.
std::string repaint(const std::optional<std::vector<std::string>>& before,
                    const std::vector<std::string>& lines);

// The terminal behind stdout, with keys from it as they are pressed; Ctrl-C and Ctrl-Z are keys.
class TopScreen {
 public:
  TopScreen();
  ~TopScreen();
  TopScreen(const TopScreen&) = delete;
  TopScreen& operator=(const TopScreen&) = delete;

  // As it is now.
  static ScreenSize size();
  // Readable when there are keys; -1: none can come.
  int keys_fd() const { return keys_; }
  // What has been typed. False: the terminal has gone.
  bool read_keys(std::string& bytes) const;
  // Later, with what is to be seen then, where the terminal takes nothing now.
  void show(const std::vector<std::string>& lines);

 private:
  static bool takes_more();

  UniqueFd opened_;  // where stdin is not the terminal
  int keys_ = -1;
  std::optional<struct termios> before_;
  ScreenSize shown_size_;
  std::optional<std::vector<std::string>> shown_;
};

}  // namespace kiln::client
