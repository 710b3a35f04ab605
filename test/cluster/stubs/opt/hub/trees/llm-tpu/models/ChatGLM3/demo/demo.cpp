#include "sentencepiece/sentencepiece_processor.h"
