#!/bin/busybox sh
# The first process of a guest. The kernel's command line gives URING_OUT, the serial port that is read outside.
export PATH=/usr/bin:/bin HOME=/root TERM=dumb NO_COLOR=1 CI=true
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tracefs tracing /sys/kernel/tracing
# as on most hosts: memory that is not touched costs nothing
echo 1 >/proc/sys/vm/overcommit_memory
mkdir -p /dev/shm /dev/pts
mount -t devpts pts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs shm /dev/shm
chmod 1777 /tmp /dev/shm
ip link set lo up
stty -F "$URING_OUT" raw -echo
cd /app
export URING_GUEST=1 TEST_TIME_SCALE=8
# an emulated machine translates code that V8 has just made again and again: interpreting takes half the time
node --conditions=uring-source --jitless --expose-gc --test-reporter=./test/kernels/guest-reporter.js test/kernels/guest.js >"$URING_OUT" 2>&1 </dev/null
echo "@@{\"kind\":\"end\",\"status\":$?}" >"$URING_OUT"
sync
poweroff -f
