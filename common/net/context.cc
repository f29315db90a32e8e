#include "common/net/context.h"

#include <zmq.h>

namespace kiln::net {

Context::Context(int io_threads) : handle_(zmq_ctx_new()) {
  zmq_ctx_set(handle_, ZMQ_IO_THREADS, io_threads);
  zmq_ctx_set(handle_, ZMQ_MAX_SOCKETS, 65535);
}

Context::~Context() {
  zmq_ctx_term(handle_);
}

}  // namespace kiln::net
