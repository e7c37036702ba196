// Sounds that are no speech, made by formula so that each run plays the same: coughs, knocks, fans, music. 16 kHz.
#pragma once

#include <cstdint>
#include <vector>

namespace morgan::cli {

/// White noise with hard edges: a chair, a slammed door. @param variant  changes length and loudness
std::vector<float> noise_burst(std::uint32_t variant);
/// One or two bursts of low noise that rise at once and die away, as a cough has them.
std::vector<float> cough(std::uint32_t variant);
/// A quiet room through a cheap microphone.
std::vector<float> room_noise(double seconds, std::uint32_t variant);
/// Steady low noise that wavers with the blades.
std::vector<float> fan_noise(double seconds, std::uint32_t variant);
/// Chords of harmonics with attack and decay, about 100 beats a minute.
std::vector<float> music(double seconds, std::uint32_t variant);

}  // namespace morgan::cli
