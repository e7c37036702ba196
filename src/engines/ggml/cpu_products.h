// Lets ggml's CPU backend multiply as block_product.h does: the language model's prompts and answers, Whisper's
// decoder.
#pragma once

namespace morgan::engines {

/// From now on, in this process; a second call does nothing. It does nothing either where the processor gains nothing.
/// @thread any, before ggml computes anything
void use_block_products();

}  // namespace morgan::engines
