#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make machines for iommuctl's tests: folders with the /sys, /proc and /dev of each.

usage: machines.py DIR [GROUPS]     with GROUPS: only one machine, of so many groups

    server  300 groups on two VT-d units, this core: owners, debugfs, faults
    soc     platform devices behind an Arm SMMUv3, this core without debugfs
    pasid   VT-d in scalable mode, a device with PASIDs
    old     5.10, an unprivileged reader: headers of configuration space only
    base    6.12 without this core's files, AMD-Vi, a process that holds a group
    none    no IOMMU
    interrupts  one that remaps interrupts only
"""
import os
import struct
import sys

ISOLATING = 0x1d        # SV RR CR UF
ENDPOINT, ROOT_PORT, TO_PCI, INTEGRATED = 0, 4, 7, 9


class Config:
    """Configuration space: a header, PCI Express, and extended capabilities."""

    def __init__(self, vendor, device, port=None, bridge=False, multi=False):
        self.data = bytearray(4096)
        self.put(0, '<HH', vendor, device)
        self.data[0x0e] = bridge | multi << 7
        self.end = 0x100
        self.last = None
        if port is not None:
            self.data[0x06] = 0x10
            self.data[0x34] = 0x40
            self.put(0x40, '<BBH', 0x10, 0, 2 | port << 4)

    def put(self, at, form, *values):
        struct.pack_into(form, self.data, at, *values)

    def extended(self, number, cap, ctrl):
        if self.last is not None:
            head, = struct.unpack_from('<I', self.data, self.last)
            self.put(self.last, '<I', head | self.end << 20)
        self.put(self.end, '<IHH', number | 1 << 16, cap, ctrl)
        self.last = self.end
        self.end += 0x10
        return self

    def acs(self, cap, ctrl):
        return self.extended(0x0d, cap, ctrl)

    def ats(self, on):
        return self.extended(0x0f, 0, 0x8000 if on else 0)

    def pasid(self, width, on):
        return self.extended(0x1b, width << 8, 1 if on else 0)


class Machine:
    def __init__(self, top, name, release):
        self.top = os.path.join(top, name)
        self.state = ''
        self.file('/proc/sys/kernel/osrelease', release)
        self.dir('/sys/kernel')
        self.dir('/sys/bus/pci/devices')

    def real(self, path):
        return self.top + path

    def dir(self, path):
        os.makedirs(self.real(path), exist_ok=True)

    def file(self, path, content=''):
        self.dir(os.path.dirname(path))
        data = content if isinstance(content, (bytes, bytearray)) else content.encode()
        if isinstance(content, str) and content and not content.endswith('\n'):
            data += b'\n'
        with open(self.real(path), 'wb') as f:
            f.write(data)

    def link(self, path, target):
        """A relative link, as in sysfs; targets that begin with '=' stay as they are."""
        self.dir(os.path.dirname(path))
        if target.startswith('='):
            os.symlink(target[1:], self.real(path))
        else:
            os.symlink(os.path.relpath(target, os.path.dirname(path)), self.real(path))

    def driver(self, dev, bus, driver):
        folder = f'/sys/bus/{bus}/drivers/{driver}'
        self.file(folder + '/bind')
        self.file(folder + '/unbind')
        self.link(dev + '/driver', folder)

    def device(self, path, bus, group=None, driver=None, unit=None):
        name = os.path.basename(path)
        self.dir(path)
        self.dir(f'/sys/bus/{bus}/devices')
        self.link(f'/sys/bus/{bus}/devices/{name}', path)
        self.link(path + '/subsystem', f'/sys/bus/{bus}')
        self.file(path + '/driver_override', '(null)')
        if driver:
            self.driver(path, bus, driver)
        if group is not None:
            self.link(f'/sys/kernel/iommu_groups/{group}/devices/{name}', path)
            self.link(path + '/iommu_group', f'/sys/kernel/iommu_groups/{group}')
        if unit:
            self.link(path + '/iommu', f'/sys/devices/virtual/iommu/{unit}')
            self.link(f'/sys/devices/virtual/iommu/{unit}/devices/{name}', path)
        return path

    def pci(self, path, cls, config, size=4096, **more):
        self.device(path, 'pci', **more)
        vendor, device = struct.unpack_from('<HH', config.data, 0)
        self.file(path + '/vendor', f'0x{vendor:04x}')
        self.file(path + '/device', f'0x{device:04x}')
        self.file(path + '/class', f'0x{cls:06x}')
        self.file(path + '/config', bytes(config.data[:size]))
        return path

    def group(self, number, kind='DMA-FQ', owner=None, regions=None):
        folder = f'/sys/kernel/iommu_groups/{number}'
        self.dir(folder + '/devices')
        self.file(folder + '/type', kind)
        if owner:
            self.file(folder + '/owner', owner)
        if regions is None:
            regions = '0x00000000fee00000 0x00000000feefffff msi'
        self.file(folder + '/reserved_regions', regions)

    def unit(self, name, **files):
        folder = f'/sys/devices/virtual/iommu/{name}'
        self.dir(folder + '/devices')
        self.link(f'/sys/class/iommu/{name}', folder)
        for file, content in files.items():
            self.file(f'{folder}/intel-iommu/{file}', content)

    def told(self, number, owner, *lines, kind='DMA-FQ', current=None):
        self.state += f'group {number}\n  owner: {owner}\n'
        self.state += f'  domains: current {current or kind}, default {kind}, blocking none\n'
        for line in lines:
            self.state += f'  {line}\n'

    def process(self, pid, name, *targets):
        self.file(f'/proc/{pid}/comm', name)
        for number, target in enumerate(targets):
            self.link(f'/proc/{pid}/fd/{number}', '=' + target)

    def finish(self):
        if self.state:
            self.file('/sys/kernel/debug/iommu/groups', self.state)


def root_port(m, number, group, function=0, acs=True, unit='dmar0'):
    config = Config(0x8086, 0x3420, ROOT_PORT, bridge=True, multi=True)
    if acs:
        config.acs(ISOLATING, ISOLATING)
    bdf = f'0000:00:{number:02x}.{function}'
    return m.pci(f'/sys/devices/pci0000:00/{bdf}', 0x060400, config, group=group,
                 driver='pcieport', unit=unit)


def server(top):
    m = Machine(top, 'server', '6.12.117')
    m.file('/proc/cmdline', 'root=/dev/nvme0n1p2 intel_iommu=on iommu.strict=0 quiet')
    m.unit('dmar0', ecap='f050da', version='1:0')
    m.unit('dmar1', ecap='80000f050da', version='5:0')
    m.file('/dev/iommu')
    m.file('/dev/vfio/vfio')
    m.dir('/sys/bus/pci/drivers/vfio-pci')

    for number in range(2, 302):
        m.group(number, owner='none')
    # Group 2: a disk with the root file system; 3: an interface that is up.
    port = root_port(m, 1, 20)
    nvme = m.pci(port + '/0000:01:00.0', 0x010802, Config(0x144d, 0xa80a, ENDPOINT), group=2,
                 driver='nvme', unit='dmar0')
    m.file(nvme + '/nvme/nvme0/nvme0n1/nvme0n1p2/partition', '2')
    part = nvme + '/nvme/nvme0/nvme0n1/nvme0n1p2'
    m.link('/sys/dev/block/259:2', part)
    m.link('/sys/class/block/nvme0n1p2', part)
    m.file('/proc/self/mountinfo', '22 1 259:2 / / rw,relatime - ext4 /dev/nvme0n1p2 rw\n'
           '23 22 0:5 / /proc rw - proc proc rw')
    m.file('/proc/swaps', 'Filename Type Size Used Priority')
    m.file('/sys/kernel/iommu_groups/2/owner', 'kernel')
    m.told(2, 'kernel (driver nvme), count 1',
           'device 0000:01:00.0: DMA-FQ, driver nvme uses the DMA API')
    port = root_port(m, 2, 21)
    nic = m.pci(port + '/0000:02:00.0', 0x020000, Config(0x8086, 0x1572, ENDPOINT).ats(True),
                group=3, driver='i40e', unit='dmar0')
    m.file(nic + '/net/eth0/operstate', 'up')
    m.link('/sys/class/net/eth0', nic + '/net/eth0')
    m.file('/sys/kernel/iommu_groups/3/owner', 'kernel')
    m.told(3, 'kernel (driver i40e), count 1',
           'device 0000:02:00.0: DMA-FQ, driver i40e uses the DMA API')

    # Group 4: two functions without ACS, one of them at VFIO.
    port = root_port(m, 3, 22)
    for function, driver in enumerate(('vfio-pci', 'lab_edu')):
        m.pci(port + f'/0000:03:00.{function}', 0x00ff00,
              Config(0x1234, 0x11e8, ENDPOINT, multi=True), group=4, driver=driver, unit='dmar0')
    m.file('/sys/kernel/iommu_groups/4/owner', 'kernel')
    m.file('/dev/vfio/4')
    m.told(4, 'kernel (driver lab_edu), count 1',
           'last refusal: claim, driver, error -1, 0 s ago, 1 so far, asked by 0000:03:00.0, '
           'in the way 0000:03:00.1',
           'device 0000:03:00.0: DMA-FQ',
           'device 0000:03:00.1: DMA-FQ, driver lab_edu uses the DMA API, '
           'shares with 0000:03:00.0: functions without ACS')

    # Group 5: a user has it, by its own node. The name is one to be careful with.
    port = root_port(m, 4, 23)
    dev = m.pci(port + '/0000:04:00.0', 0x020000, Config(0x8086, 0x1572, ENDPOINT), group=5,
                driver='vfio-pci', unit='dmar0')
    m.dir(dev + '/vfio-dev/vfio0')
    m.link(dev + '/vfio-dev/vfio0/device', dev)
    m.link('/sys/class/vfio-dev/vfio0', dev + '/vfio-dev/vfio0')
    m.file('/dev/vfio/devices/vfio0')
    m.file('/sys/kernel/iommu_groups/5/owner', 'user')
    m.told(5, 'user (qemu "a", process 812, through /dev/iommu), count 1',
           'device 0000:04:00.0: Unmanaged', current='Unmanaged')
    m.process(812, 'qemu \x1b[31m"a"', '/dev/null', '/dev/iommu', '/dev/vfio/devices/vfio0')
    m.process(90, 'sleep', '/dev/null')

    # Group 6: behind a bridge to conventional PCI. 7: firmware's. 8: fenced off.
    port = root_port(m, 5, 24)
    bridge = m.pci(port + '/0000:05:00.0', 0x060400, Config(0x1b36, 0x000e, TO_PCI, bridge=True),
                   group=6, unit='dmar0')
    m.pci(bridge + '/0000:06:01.0', 0x00ff00, Config(0x1234, 0x11e8), group=6, driver='lab_edu',
          unit='dmar0')
    m.file('/sys/kernel/iommu_groups/6/owner', 'kernel')
    port = root_port(m, 6, 25)
    m.pci(port + '/0000:07:00.0', 0x0c0330, Config(0x1b36, 0x000d, ENDPOINT), group=7,
          driver='vfio-pci', unit='dmar0')
    m.file('/dev/vfio/7')
    m.group(7, owner='none', regions='0x000000007a000000 0x000000007a0fffff direct\n'
            '0x00000000fee00000 0x00000000feefffff msi')
    port = root_port(m, 7, 26)
    m.pci(port + '/0000:08:00.0', 0x010601, Config(0x1b36, 0x0010, ENDPOINT), group=8, unit='dmar0')
    m.told(8, 'none, count 0', 'device 0000:08:00.0: Blocked, stranded, '
           'parked: its driver failed in undo, error -5')
    # Group 9: a disk under a volume that is mounted. 10: swap.
    port = root_port(m, 8, 27)
    for number, group in ((9, 9), (10, 10)):
        disk = m.pci(port + f'/0000:{number:02x}:00.0', 0x010802,
                     Config(0x144d, 0xa80a, ENDPOINT), group=group, driver='nvme', unit='dmar0')
        m.file(f'/sys/kernel/iommu_groups/{group}/owner', 'kernel')
        m.dir(disk + f'/nvme/nvme{number}/nvme{number}n1')
        m.link(f'/sys/class/block/nvme{number}n1', disk + f'/nvme/nvme{number}/nvme{number}n1')
    m.link('/sys/devices/virtual/block/dm-0/slaves/nvme9n1', '/sys/class/block/nvme9n1')
    m.link('/sys/dev/block/254:0', '/sys/devices/virtual/block/dm-0')
    with open(m.real('/proc/self/mountinfo'), 'a', encoding='ascii') as f:
        f.write('24 22 254:0 / /srv rw - xfs /dev/mapper/srv rw\n')
    with open(m.real('/proc/swaps'), 'a', encoding='ascii') as f:
        f.write('/dev/nvme10n1 partition 100 0 -2\n')
    # Group 11: no driver at all.
    port = root_port(m, 9, 28)
    m.pci(port + '/0000:0b:00.0', 0x030000, Config(0x1002, 0x1478, ENDPOINT), group=11, unit='dmar0')

    # The rest: virtual functions on the second unit.
    port = root_port(m, 10, 29, unit='dmar1')
    for number in range(30, 302):
        function = number - 30
        m.pci(port + f'/0000:{0x20 + function // 256:02x}:{function % 256 // 8:02x}.{function % 8}',
              0x020000, Config(0x8086, 0x154c, ENDPOINT, multi=True).acs(0, 0), group=number,
              unit='dmar1')
    m.file('/dev/kmsg',
           '6,100,1000000,-;iommu: Default domain type: Translated \n'
           '6,101,1000100,-;iommu: DMA domain TLB invalidation policy: lazy mode '
           '(set via kernel command line)\n'
           ' SUBSYSTEM=pci\n'
           '3,900,70500000,-;DMAR: [DMA Write PASID 0x5] Request device [03:00.0] fault addr '
           '0x20000000 [fault reason 0x05] PTE Write access is not set\n'
           '3,901,70600000,-;DMAR: [DMA Read NO_PASID] Request device [02:00.0] fault addr '
           '0x1000 [fault reason 0x06] PTE Read access is not set\n'
           '3,902,70700000,-;vfio-pci 0000:04:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT '
           'domain=0x0003 address=0x30000 flags=0x0020]\n'
           '3,903,70700001,-;AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:0b:00.0 '
           'domain=0x0003 address=0x40000 flags=0x0000]\n'
           '3,904,70800000,-;virtio_iommu virtio0: page fault from EP 24 at 0x20000000 [W..]\n'
           '3,905,70900000,-;arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:\n'
           '6,906,71000000,-;a line about nothing\n')
    m.finish()


def soc(top):
    m = Machine(top, 'soc', '6.12.117')
    m.file('/proc/cmdline', 'console=ttyAMA0 iommu.passthrough=0')
    m.unit('smmu3.0x0000000005000000')
    m.dir('/sys/bus/platform/drivers/vfio-platform')
    for number, (name, compatible, driver, owner) in enumerate((
            ('10000000.display', 'acme,dpu-1\0acme,dpu\0', 'acme-dpu', 'kernel'),
            ('10100000.codec', 'acme,vdec\0', 'vfio-platform', 'none'),
            ('10200000.dma', 'arm,pl330\0arm,primecell\0', None, 'none'))):
        m.group(number, kind='DMA', owner=owner, regions='0x0000000008000000 0x00000000080fffff msi')
        dev = m.device(f'/sys/devices/platform/soc/{name}', 'platform', group=number, driver=driver,
                       unit='smmu3.0x0000000005000000')
        m.file(dev + '/of_node/compatible', compatible.encode())
    codec = '/sys/devices/platform/soc/10100000.codec'
    m.dir(codec + '/vfio-dev/vfio0')
    m.file('/dev/vfio/devices/vfio0')
    m.file('/dev/iommu')
    # The kernel has this one, and does not tell for whom.
    m.group(3, kind='DMA', owner='kernel')
    m.device('/sys/devices/platform/soc/10300000.npu', 'platform', group=3, driver='vfio-platform',
             unit='smmu3.0x0000000005000000')
    m.file('/dev/vfio/vfio')
    m.file('/dev/vfio/3')
    # One more that shares the display's stream, and a clock that has no group.
    dev = m.device('/sys/devices/platform/soc/10010000.overlay', 'platform', group=0,
                   driver='acme-overlay', unit='smmu3.0x0000000005000000')
    m.file(dev + '/of_node/compatible', b'acme,overlay\0')
    m.device('/sys/devices/platform/soc/clock', 'platform')
    m.finish()


def pasid(top):
    m = Machine(top, 'pasid', '6.12.117')
    m.file('/proc/cmdline', 'intel_iommu=on,sm_on')
    m.file('/boot/config-6.12.117', '# CONFIG_IOMMU_DEFAULT_PASSTHROUGH is not set\n'
           'CONFIG_IOMMU_DEFAULT_DMA_STRICT=y')
    m.unit('dmar0', ecap='ee9e86f050df', version='5:0')
    m.file('/sys/kernel/debug/iommu/intel/iommu_regset',
           'IOMMU: dmar0 Register Base Address: fed90000\nName\t\t\tOffset\t\tContents\n'
           'CAP             \t0x08\t\t0x00d2008c222f0686\nRTADDR          \t0x20\t\t'
           '0x0000000102a50400')
    m.group(0, kind='DMA', owner='kernel')
    m.pci('/sys/devices/pci0000:00/0000:00:01.0', 0x088000,
          Config(0x8086, 0x0b25, INTEGRATED).ats(True).pasid(20, True), group=0, driver='idxd',
          unit='dmar0')
    m.group(1, kind='identity', owner='none')
    m.pci('/sys/devices/pci0000:00/0000:00:02.0', 0x120000,
          Config(0x8086, 0x0cfe, INTEGRATED).ats(False).pasid(20, False), group=1, unit='dmar0')
    m.told(0, 'kernel (driver idxd), count 1',
           'device 0000:00:01.0: DMA, PASIDs below 1048576 (device), driver idxd uses the DMA API',
           '  faults without PASID: 1', '  faults of PASID 5: 41273',
           '  faults of other PASIDs: 12',
           'no PASID: DMA', 'PASID 5: SVA, handle', kind='DMA')
    m.told(1, 'none, count 0', 'device 0000:00:02.0: Identity, PASIDs below 1024 (IOMMU)',
           kind='Identity')
    m.finish()


def old(top):
    m = Machine(top, 'old', '5.10.209')
    m.file('/proc/cmdline', 'iommu=pt intel_iommu=on')
    m.unit('dmar0', ecap='f050da', version='1:0')
    m.group(0, kind='identity', regions='')
    port = m.pci('/sys/devices/pci0000:00/0000:00:01.0', 0x060400,
                 Config(0x8086, 0x1901, ROOT_PORT, bridge=True), size=64, group=0,
                 driver='pcieport', unit='dmar0')
    for function, driver in enumerate(('nouveau', 'snd_hda_intel')):
        m.pci(port + f'/0000:01:00.{function}', 0x030000 if not function else 0x040300,
              Config(0x10de, 0x1d01 + function, ENDPOINT, multi=True), size=64, group=0,
              driver=driver, unit='dmar0')
    m.finish()


def base(top):
    m = Machine(top, 'base', '6.12.117')
    m.file('/proc/cmdline', 'quiet')
    m.file('/dev/kmsg', '6,100,1000000,-;iommu: Default domain type: Passthrough '
           '(set via kernel command line)\n')
    m.unit('ivhd0')
    m.dir('/sys/devices/virtual/iommu/ivhd0/amd-iommu')
    m.file('/dev/vfio/vfio')
    port = m.pci('/sys/devices/pci0000:00/0000:00:01.1', 0x060400,
                 Config(0x1022, 0x1483, ROOT_PORT, bridge=True), group=0, driver='pcieport',
                 unit='ivhd0')
    m.group(0, kind='identity')
    m.pci(port + '/0000:01:00.0', 0x030000, Config(0x1002, 0x73bf, ENDPOINT, multi=True), group=0,
          driver='vfio-pci', unit='ivhd0')
    m.pci(port + '/0000:01:00.1', 0x040300, Config(0x1002, 0xab28, ENDPOINT, multi=True), group=0,
          driver='snd_hda_intel', unit='ivhd0')
    m.group(1, kind='DMA-FQ')
    m.pci('/sys/devices/pci0000:00/0000:00:14.0', 0x0c0330, Config(0x1022, 0x149c, INTEGRATED),
          group=1, driver='vfio-pci', unit='ivhd0')
    m.file('/dev/vfio/1')
    m.group(2, kind='DMA-FQ')
    dev = m.pci('/sys/devices/pci0000:00/0000:00:15.0', 0x020000, Config(0x1022, 0x1458, INTEGRATED),
                group=2, driver='vfio-pci', unit='ivhd0')
    # Two functions of one slot; only the first has to say that there are more.
    m.group(3)
    for function in (0, 1):
        m.pci(f'/sys/devices/pci0000:00/0000:00:16.{function}', 0x00ff00,
              Config(0x1234, 0x11e8, multi=not function), group=3, unit='ivhd0')
    m.file('/dev/vfio/2')
    m.file('/proc/77/fdinfo/2', f'pos:\t0\nvfio-device-syspath: {dev}')
    m.process(77, 'crosvm', '/dev/vfio/vfio', '/dev/vfio/2', 'anon_inode:[vfio-device]')
    m.finish()


def none(top):
    m = Machine(top, 'none', '6.12.117')
    m.file('/proc/cmdline', 'quiet intel_iommu=off')
    m.dir('/sys/class/iommu')
    m.dir('/sys/kernel/iommu_groups')
    m.pci('/sys/devices/pci0000:00/0000:00:04.0', 0x00ff00, Config(0x1234, 0x11e8),
          driver='lab_edu')
    m.finish()


def interrupts(top):
    m = Machine(top, 'interrupts', '6.12.117')
    m.file('/proc/cmdline', 'quiet')
    m.unit('dmar0', ecap='f00f5a')
    m.dir('/sys/kernel/iommu_groups')
    m.finish()


def large(top, count):
    m = Machine(top, 'large', '6.12.117')
    m.unit('dmar0', ecap='f050da')
    for number in range(count):
        m.group(number, owner='none')
        m.pci(f'/sys/devices/pci{number >> 16:04x}:00/{number >> 16:04x}:{number >> 8 & 255:02x}:'
              f'{number >> 3 & 31:02x}.{number & 7}', 0x020000,
              Config(0x8086, 0x154c, ENDPOINT), size=64, group=number, unit='dmar0')


if len(sys.argv) > 2:
    large(sys.argv[1], int(sys.argv[2]))
else:
    for make in (server, soc, pasid, old, base, none, interrupts):
        make(sys.argv[1])
