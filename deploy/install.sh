#!/bin/sh
# Builds the virtual environment: deploy/install.sh PYTHON VENV cpu|gpu
set -eu
python=$1 venv=$2 extra=$3

command -v "$python" >/dev/null || {
  echo "There is no $python here. Pizhu needs Python 3.11 or newer: make run PYTHON=/path/to/python3.11" >&2
  exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Pizhu needs Python 3.11 or newer; this is $("$python" --version 2>&1). Another one: make run PYTHON=python3.12" >&2
  exit 1
}

# The builds of vLLM for CPU and GPU share their files, so that one cannot be installed over the other.
for stamp in "$venv"/.installed-cpu "$venv"/.installed-gpu; do
  if [ -e "$stamp" ] && [ "$stamp" != "$venv/.installed-$extra" ]; then
    echo "Changing to $extra: removing $venv …"
    rm -rf "$venv"
  fi
done

"$venv/bin/python" -m pip --version >/dev/null 2>&1 || {
  echo "Creating $venv …"
  "$python" -m venv "$venv" || {
    echo "Python's venv module is missing; on Debian: apt-get install python3-venv" >&2
    exit 1
  }
}
pip() { "$venv/bin/python" -m pip -qq --disable-pip-version-check --no-input "$@"; }

echo "Installing packages for $extra: some minutes the first time, 4 GB on disk for cpu, 12 for gpu …"
# The lock names everything there shall be, and leaves out what must not be there: nothing is to be resolved.
torch=$(grep '^torch==' "requirements/$extra.txt" | cut -d ' ' -f 1)
case $torch in
*+cpu)
  # PyPI has no CPU build of torch. Where pip's configuration offers none either, uv knows PyTorch's own index.
  pip install --no-deps "$torch" 2>/dev/null || {
    echo "Fetching $torch from PyTorch …"
    pip install uv
    "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" --torch-backend=cpu --no-deps "$torch" || {
      echo "PyTorch's index cannot be reached. PIP_FIND_LINKS may name a folder that has the wheel of $torch." >&2
      exit 1
    }
  }
  ;;
esac
pip install --no-deps -r "requirements/$extra.txt"
pip install --no-deps --no-build-isolation -e .
echo "Packages are installed."
