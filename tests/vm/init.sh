#!/bin/busybox sh
# First process of the machine, in the initramfs: lays a copy-on-write view over the host's file system and hands over
# to guest.sh in it. The share says where that is, and the kernel's modules, as the host sees them.
set -e
/bin/busybox --install -s /bin
trap 'echo "the initramfs failed"; echo o >/proc/sysrq-trigger; sleep 60' EXIT

mkdir -p /proc /sys /host /memory /root /share
mount -t proc proc /proc
mount -t sysfs sysfs /sys
modprobe -a virtio_pci 9pnet_virtio 9p overlay
ninep=trans=virtio,version=9p2000.L,msize=512000,access=any
mount -t 9p -o ro,cache=loose,$ninep host /host
mount -t 9p -o cache=none,$ninep share /share
mount -t tmpfs -o mode=755 memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work root /root
mount -t devtmpfs devtmpfs /root/dev
ln -s /proc/self/fd /root/dev/fd
mount -t proc proc /root/proc
mount -t sysfs sysfs /root/sys
mount -t cgroup2 cgroup2 /root/sys/fs/cgroup
mount -t tmpfs -o mode=755 run /root/run
mkdir -p /root/dev/pts /root/dev/shm /root/lib/modules /root/run/weft-vm
mount -t devpts devpts /root/dev/pts
mount -t tmpfs shm /root/dev/shm
mount --move /share /root/run/weft-vm
ln -sfn "$(cat /root/run/weft-vm/modules)/$(uname -r)" "/root/lib/modules/$(uname -r)"
exec switch_root /root "$(cat /root/run/weft-vm/guest)"
