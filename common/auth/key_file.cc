#include "common/auth/key_file.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <toml++/toml.h>

#include "common/auth/keys.h"
#include "common/auth/private_file.h"

namespace kiln::auth {
namespace {

std::string_view what_it_allows(KeyRole role) {
  switch (role) {
    case KeyRole::client:
      return "compile in the farm, look at it, make pools and warm them";
    case KeyRole::worker:
      return "run the farm's tasks, and fetch blobs of its other workers";
    case KeyRole::admin:
      return "do what clients may, and change the farm: drain, resize, delete";
    case KeyRole::coordinator:
      return "be the farm's coordinator: workers and clients obey and trust it";
  }
  return "";
}

std::string quoted_list(const std::vector<PublicKey>& keys) {
  std::string text;
  for (const auto& key : keys) text += (text.empty() ? "\"" : ", \"") + key_text(key) + "\"";
  return "[" + text + "]";
}

// Reads the fields one after the other; errors name the file and the field.
class Fields {
 public:
  Fields(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  Error wrong(const std::string& field, const std::string& why) const {
    return Error{Errc::invalid_argument, path_ + ": " + field + ": " + why};
  }

  Result<std::string> text(const std::string& field) const {
    if (const auto value = table_[field].value<std::string>()) return *value;
    return fail(wrong(field, "it is missing, or no string"));
  }

  template <typename Value>
  Result<Value> read(const std::string& field, Result<Value> (*parse)(std::string_view)) const {
    KILN_TRY_ASSIGN(const auto written, text(field));
    auto value = parse(written);
    if (!value) return fail(wrong(field, value.error().message));
    return value;
  }

  Result<std::vector<PublicKey>> keys(const std::string& field) const {
    const auto* list = table_[field].as_array();
    if (list == nullptr) return fail(wrong(field, "it is missing, or no list of public keys"));
    std::vector<PublicKey> keys;
    for (const auto& item : *list) {
      const auto key = parse_public_key(item.value_or(std::string_view()));
      if (!key) return fail(wrong(field, key.error().message));
      keys.push_back(*key);
    }
    return keys;
  }

 private:
  const toml::table& table_;
  const std::string& path_;
};

// What toml++ says of a mistake may quote the text, and with it the secret.
Result<toml::table> parsed(std::string_view text, const std::string& path) {
  try {
    return toml::table(toml::parse(text));
  } catch (const toml::parse_error& problem) {
    return fail(Errc::invalid_argument, path + ":" + std::to_string(problem.source().begin.line) +
                                            ": this line is not TOML; make the file by kiln keys "
                                            "new");
  }
}

}  // namespace

bool KeyFile::knows(const PublicKey& coordinator) const {
  return std::find(coordinators.begin(), coordinators.end(), coordinator) != coordinators.end();
}

std::string key_file_text(const KeyFile& file) {
  const std::string role(role_name(file.role));
  std::string text =
      "# The key of \"" + file.name + "\", " + (role == "admin" ? "an " : "a ") + role +
      " of a Kiln farm.\n# Its owner may " + std::string(what_it_allows(file.role)) +
      ".\n"
      "#\n"
      "# SECRET: whoever reads this file may do so in its owner's name. Keep it with "
      "mode 0600\n"
      "# and out of repositories, images, mails and logs. If it was seen or lost:\n"
      "# kiln keys revoke " +
      file.name + ", and make a new one.\n\n";
  text += "name = \"" + file.name + "\"\n";
  text += "role = \"" + role + "\"\n";
  text += "public = \"" + key_text(file.keys.public_key) + "\"\n";
  text += "secret = \"" + secret_text(file.keys.secret_key) + "\"\n";
  if (file.role != KeyRole::coordinator)
    text += "\n# The farm's coordinators, by their public keys; any of them is good.\n";
  return text + "coordinator = " + quoted_list(file.coordinators) + "\n";
}

Result<KeyFile> parse_key_file(std::string_view text, const std::string& path) {
  KILN_TRY_ASSIGN(const toml::table table, parsed(text, path));
  const Fields fields(table, path);
  KeyFile file;
  KILN_TRY_ASSIGN(file.name, fields.text("name"));
  if (const auto good = check_key_name(file.name); !good)
    return fail(fields.wrong("name", good.error().message));
  KILN_TRY_ASSIGN(file.role, fields.read("role", parse_role));
  KILN_TRY_ASSIGN(file.keys.public_key, fields.read("public", parse_public_key));
  KILN_TRY_ASSIGN(file.keys.secret_key, fields.read("secret", parse_secret_key));
  if (public_key_of(file.keys.secret_key) != file.keys.public_key) {
    return fail(fields.wrong("public",
                             "it does not belong to the secret key beside it; take the "
                             "file from where it was made, or make a new one"));
  }
  KILN_TRY_ASSIGN(file.coordinators, fields.keys("coordinator"));
  return file;
}

Result<KeyFile> read_key_file(const std::string& path) {
  KILN_TRY_ASSIGN(const auto text, read_private_file(path, Others::nothing));
  return parse_key_file(text, path);
}

Status write_key_file(const std::string& path, const KeyFile& file) {
  KILN_TRY(make_private_directory(std::filesystem::path(path).parent_path()));
  return create_private_file(path, key_file_text(file));
}

Status change_key_file(const std::string& path, const std::function<Status(KeyFile&)>& change) {
  return change_private_file(path, Others::nothing,
                             [&](const std::string& text) -> Result<std::string> {
                               KILN_TRY_ASSIGN(KeyFile file, parse_key_file(text, path));
                               KILN_TRY(change(file));
                               return key_file_text(file);
                             });
}

}  // namespace kiln::auth
