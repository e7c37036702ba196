// The bodies of Asio and Beast, compiled once for the whole program (separate compilation is switched on
// in CMakeLists.txt): every other file of this folder then parses declarations only.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
