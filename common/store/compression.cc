#include "common/store/compression.h"

#include <array>

#include <zstd.h>

namespace kiln::store {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{128} << 10U;
// Up to this size memory is taken as announced; beyond, as the content comes.
constexpr std::uint64_t kWholeBytes = std::uint64_t{16} << 20U;
constexpr std::size_t kSampleBytes = std::size_t{64} << 10U;
constexpr int kWindowLog = 23;  // 8 MiB

ZSTD_CCtx* encoder(void* context) {
  return static_cast<ZSTD_CCtx*>(context);
}
ZSTD_DCtx* decoder(void* context) {
  return static_cast<ZSTD_DCtx*>(context);
}

auto zstd_error(Errc code, std::string_view what, std::size_t result) {
  return fail(code, std::string(what) + ": " + ZSTD_getErrorName(result));
}

Status encode(ZSTD_CCtx* context, std::string_view part, ZSTD_EndDirective end,
              const Consume& consume) {
  std::array<char, kBufferBytes> buffer;
  ZSTD_inBuffer input{part.data(), part.size(), 0};
  while (true) {
    ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context, &output, &input, end);
    if (ZSTD_isError(left)) return zstd_error(Errc::internal, "cannot compress", left);
    if (output.pos > 0) KILN_TRY(consume(std::string_view(buffer.data(), output.pos)));
    if (end == ZSTD_e_end ? left == 0 : input.pos == input.size) return {};
  }
}

Result<std::string> decompress_stream(std::string_view content, std::uint64_t expected_size) {
  std::string decoded;
  decoded.reserve(kWholeBytes);
  Decompressor stream(expected_size);
  KILN_TRY(stream.add(content, [&decoded](std::string_view part) -> Status {
    decoded += part;
    return {};
  }));
  KILN_TRY(stream.finish());
  return decoded;
}

}  // namespace

std::string Zstd::compress(std::string_view content, int level) {
  if (!encoder_) encoder_.reset(ZSTD_createCCtx());
  std::string encoded(ZSTD_compressBound(content.size()), '\0');
  const std::size_t size = ZSTD_compressCCtx(encoder(encoder_.get()), encoded.data(),
                                             encoded.size(), content.data(), content.size(), level);
  encoded.resize(size);  // it cannot fail: the bound is enough and every level is clamped
  return encoded;
}

Result<std::string> Zstd::decompress(std::string_view content, std::uint64_t expected_size) {
  if (expected_size > kWholeBytes) return decompress_stream(content, expected_size);
  if (!decoder_) decoder_.reset(ZSTD_createDCtx());
  std::string decoded(expected_size, '\0');
  const std::size_t frame = ZSTD_findFrameCompressedSize(content.data(), content.size());
  if (ZSTD_isError(frame)) return zstd_error(Errc::corrupt, "cannot decompress", frame);
  if (frame != content.size())
    return fail(Errc::corrupt, "cannot decompress: bytes after the zstd frame");
  const std::size_t size = ZSTD_decompressDCtx(decoder(decoder_.get()), decoded.data(),
                                               decoded.size(), content.data(), content.size());
  if (ZSTD_isError(size)) return zstd_error(Errc::corrupt, "cannot decompress", size);
  if (size == expected_size) return decoded;
  return fail(Errc::corrupt, "cannot decompress: " + std::to_string(size) + " of " +
                                 std::to_string(expected_size) + " bytes");
}

void Zstd::FreeEncoder::operator()(void* context) const {
  ZSTD_freeCCtx(encoder(context));
}
void Zstd::FreeDecoder::operator()(void* context) const {
  ZSTD_freeDCtx(decoder(context));
}

std::string compress(std::string_view content, int level) {
  return Zstd().compress(content, level);
}

Result<std::string> decompress(std::string_view content, std::uint64_t expected_size) {
  return Zstd().decompress(content, expected_size);
}

bool shrinks(std::string_view sample) {
  sample = sample.substr(0, kSampleBytes);
  return compress(sample, kDefaultLevel).size() <= sample.size() - sample.size() / 8;
}

void Compressor::Deleter::operator()(void* context) const {
  ZSTD_freeCCtx(encoder(context));
}

Compressor::Compressor(int level) : context_(ZSTD_createCCtx()) {
  ZSTD_CCtx_setParameter(encoder(context_.get()), ZSTD_c_compressionLevel, level);
}

Status Compressor::add(std::string_view part, const Consume& consume) {
  return encode(encoder(context_.get()), part, ZSTD_e_continue, consume);
}

Status Compressor::finish(const Consume& consume) {
  return encode(encoder(context_.get()), {}, ZSTD_e_end, consume);
}

void Decompressor::Deleter::operator()(void* context) const {
  ZSTD_freeDCtx(decoder(context));
}

Decompressor::Decompressor(std::uint64_t expected_size)
    : context_(ZSTD_createDCtx()), expected_size_(expected_size) {
  ZSTD_DCtx_setParameter(decoder(context_.get()), ZSTD_d_windowLogMax, kWindowLog);
}

Status Decompressor::add(std::string_view part, const Consume& consume) {
  std::array<char, kBufferBytes> buffer;
  ZSTD_inBuffer input{part.data(), part.size(), 0};
  bool output_full = false;
  while (input.pos < input.size || output_full) {
    if (frame_complete_)
      return fail(Errc::corrupt, "cannot decompress: bytes after the zstd frame");
    ZSTD_outBuffer output{buffer.data(), buffer.size(), 0};
    const std::size_t hint = ZSTD_decompressStream(decoder(context_.get()), &output, &input);
    if (ZSTD_isError(hint)) return zstd_error(Errc::corrupt, "cannot decompress", hint);
    produced_ += output.pos;
    if (produced_ > expected_size_) {
      return fail(Errc::corrupt, "cannot decompress: more than the announced " +
                                     std::to_string(expected_size_) + " bytes");
    }
    frame_complete_ = hint == 0;
    output_full = !frame_complete_ && output.pos == output.size;
    if (output.pos > 0) KILN_TRY(consume(std::string_view(buffer.data(), output.pos)));
  }
  return {};
}

Status Decompressor::finish() const {
  if (frame_complete_ && produced_ == expected_size_) return {};
  return fail(Errc::corrupt, "cannot decompress: " + std::to_string(produced_) + " of " +
                                 std::to_string(expected_size_) + " bytes");
}

}  // namespace kiln::store
