// Serves the user's files as blobs to the bulk transfers. Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/net/blob_io.h"

namespace kiln::client {

class UploadSource : public net::BlobSource {
 public:
  // `path` is where the blob's content is while an upload needs it. Counted: as many removes as
  // adds. The receiver verifies, so a file that changed meanwhile is found out.
  void add(const Digest& digest, const std::string& path);
  void remove(const Digest& digest);

  // Errc::not_found when nothing was added under the digest or the file is gone.
  Result<std::unique_ptr<net::BlobReader>> open(const Digest& digest) override;

 private:
  struct Place {
    std::string path;
    int uses = 0;
  };
  std::mutex mutex_;
  std::map<Digest, Place> places_;
};

}  // namespace kiln::client
