#!/usr/bin/env bash
# install.sh DIR: NVIDIA's compiler and libraries from their public Python packages into DIR, so that the `cuda` feature
# compiles on a machine without a GPU. A stub libcuda.so stands in for the driver when something is linked; what is
# linked needs the real driver where it runs.
set -euo pipefail
dir=${1:?usage: install.sh DIR}
mkdir -p "$dir/wheels" "$dir/root"
cd "$dir"
python3 -m pip download -q --disable-pip-version-check -d wheels \
    "cuda-toolkit[nvcc,cudart,crt,nvvm,cccl,cublas,curand,nvrtc]==13.0.2"
for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" root; done
rm -r wheels
cuda=$dir/root/nvidia/cu13
chmod +x "$cuda"/bin/* "$cuda"/nvvm/bin/* 2>/dev/null || true
ln -sfn lib "$cuda/lib64"
for library in "$cuda"/lib/lib*.so.*; do ln -sfn "$(basename "$library")" "${library%%.so.*}.so"; done

# The driver's functions: those of its header, and those that cudarc names.
mkdir -p "$cuda/lib/stubs"
{
    grep -ohE '\bcu[A-Z][A-Za-z0-9]*(_v[0-9]+)?(_ptsz|_ptds)?\b *\(' "$cuda/include/cuda.h" | tr -d ' ('
    grep -ohE '^#define +cu[A-Z][A-Za-z0-9_]* .*' "$cuda/include/cuda.h" | grep -oE 'cu[A-Z][A-Za-z0-9]*_v[0-9]+' || true
    grep -rohE 'fn cu[A-Z][A-Za-z0-9_]*' "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/cudarc-*/src/driver/sys 2>/dev/null |
        cut -c4- || true
} | sort -u | sed 's/.*/int &(void){return 999;}/' > stub.c
cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 -o "$cuda/lib/stubs/libcuda.so" stub.c

"$cuda/bin/nvcc" --version | tail -1
