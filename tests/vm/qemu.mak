# SPDX-License-Identifier: MIT
#
# The devices of the test QEMU; everything else is left out, which saves a third
# of its build time.
CONFIG_Q35=y
CONFIG_PCIE_PORT=y
CONFIG_VTD=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_9P=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_SERIAL_ISA=y
CONFIG_ISA_DEBUG=y
