// A farm's folder of keys: coordinator.key, which makes it one, `allowed`, and NAME.key of each key
// that was made there.
#pragma once

#include <optional>
#include <string>

#include "common/auth/allowed_keys.h"
#include "common/base/result.h"
#include "common/model/key.h"

namespace kiln::client {

class KeyFolder {
 public:
  explicit KeyFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  std::string coordinator_file() const { return path_ + "/coordinator.key"; }
  std::string allowed_file() const { return path_ + "/allowed"; }
  std::string file_of(const std::string& name) const { return path_ + "/" + name + ".key"; }

  // The public key of this farm's coordinator; nullopt where this is no farm's folder, or one that
  // this user may not look into: then it is somebody else's farm.
  Result<std::optional<PublicKey>> coordinator() const;
  // Makes the folder if need be, with mode 0700. Errc::permission_denied when others may write in
  // it.
  Status prepare() const;

 private:
  std::string path_;
};

// True: it was not allowed before.
Result<bool> allow_key(const KeyFolder& folder, const auth::AllowedKey& key);

struct Revoked {
  auth::AllowedKey key;
  bool before = false;  // it had been revoked already
};
// By its name or by its public key. Errc::not_found when it was never allowed.
Result<Revoked> revoke_key(const KeyFolder& folder, const std::string& name_or_key,
                           auth::Day today);

}  // namespace kiln::client
