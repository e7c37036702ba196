#pragma once

#include "morgan_pch.h"

#include <gtest/gtest.h>
