#include "worker/pools/proof_book.h"

#include <gtest/gtest.h>

namespace kiln::worker {
namespace {

using Proof = ProofBook::Proof;

const ProofBook::Program kClang{digest_of("clang"), "/usr/bin/clang"};
const ProofBook::Program kPython{digest_of("python"), "/usr/bin/python3"};

TEST(ProofBook, the_first_executor_proves_and_the_others_wait_for_its_word) {
  ProofBook book;
  EXPECT_TRUE(book.begin(1, {kClang}));
  EXPECT_FALSE(book.begin(2, {kClang}));
  EXPECT_FALSE(book.begin(3, {kPython, kClang}));
  EXPECT_TRUE(book.begin(4, {kPython})) << "those that wait prove nothing";
  book.found(kClang, {Proof::held, ""});
  book.ended(1);
  EXPECT_TRUE(book.begin(2, {kClang}));
  EXPECT_TRUE(book.begin(5, {kClang})) << "all at once";
  EXPECT_EQ(book.verdict(kClang).proof, Proof::held);
}

TEST(ProofBook, a_failed_proof_is_shared_until_it_is_to_be_tried_again) {
  ProofBook book;
  EXPECT_TRUE(book.begin(1, {kClang}));
  book.found(kClang, {Proof::unfit, "static program"});
  book.ended(1);
  EXPECT_EQ(book.verdict(kClang).problem, "static program");
  EXPECT_TRUE(book.begin(2, {kClang}));
  EXPECT_TRUE(book.begin(3, {kClang}));
  book.forgive(kClang);
  EXPECT_EQ(book.verdict(kClang).proof, Proof::none);
  EXPECT_TRUE(book.begin(2, {kClang}));
  EXPECT_FALSE(book.begin(3, {kClang}));
}

TEST(ProofBook, the_next_one_proves_what_an_executor_left_that_is_gone) {
  ProofBook book;
  EXPECT_TRUE(book.begin(1, {kClang, kPython}));
  book.ended(1);
  EXPECT_TRUE(book.begin(2, {kClang}));
  EXPECT_FALSE(book.begin(3, {kClang}));
}

TEST(ProofBook, one_executors_bad_luck_says_nothing_of_others) {
  ProofBook book;
  EXPECT_TRUE(book.begin(1, {kClang}));
  book.found(kClang, {Proof::open, ""});
  book.ended(1);
  EXPECT_TRUE(book.begin(2, {kClang}));
  EXPECT_TRUE(book.begin(3, {kClang})) << "each proves for itself";
  book.found(kClang, {Proof::held, ""});
  book.found(kClang, {Proof::open, ""});
  book.forgive(kClang);
  EXPECT_EQ(book.verdict(kClang).proof, Proof::held);
}

}  // namespace
}  // namespace kiln::worker
