#!/bin/bash
# debian-image.sh OUTPUT: puts debian-12.qcow2 into the folder OUTPUT, by the script that laminad uses.
set -euo pipefail
exec bash "$(dirname "$(realpath "$0")")/../../../src/Server/Images/Builders/debian-12.sh" "$1/debian-12.qcow2" "$1/work"
