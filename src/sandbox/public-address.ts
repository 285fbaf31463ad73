import { BlockList, isIP } from 'node:net';

/**
 * Whether an address is one of the public internet, by IANA's special-purpose registries. Private, loopback,
 * link-local (with the clouds' metadata services), shared, multicast, documentation and reserved ranges are not, nor
 * IPv6 forms that carry an IPv4 address, which would be a second way to all of them.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !specialRanges.check(address, 'ipv4');
    case 6:
      return globalUnicast.check(address, 'ipv6') && !specialRanges.check(address, 'ipv6');
    default:
      return false;
  }
}

const globalUnicast = new BlockList();
globalUnicast.addSubnet('2000::', 3, 'ipv6');

const specialRanges = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  specialRanges.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['2001::', 23], // protocol assignments, Teredo among them
  ['2001:db8::', 32],
  ['2002::', 16], // 6to4
  ['3fff::', 20],
] as const) {
  specialRanges.addSubnet(network, prefix, 'ipv6');
}
