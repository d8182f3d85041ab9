/** Who a process is, as the lines of JSON have it and as a person reads it. */
import type { ProcessIdentity } from '../host/who.ts';

/** Keys for an object of JSON; null for what is not known. */
export function whoToJson(who: ProcessIdentity | undefined): object {
  const { ppid, ancestry, exe, uid, euid, capabilities, cgroup, namespaces } = who ?? {};
  const { path, container, unit } = cgroup ?? {};
  return {
    ...{ ppid, uid, euid, exe },
    capabilities: capabilities === undefined ? undefined : `0x${capabilities.toString(16)}`,
    ancestry,
    cgroup: path,
    container: container && { runtime: container.runtime, id: container.id, pod: container.pod },
    unit,
    namespaces,
  };
}

/** `'docker 3f2a91bc0d11'`, `'ssh.service'`; nothing for a process of neither. The host's words: not yet harmless. */
export function whereText(who: ProcessIdentity | undefined): string | undefined {
  const { container, unit } = who?.cgroup ?? {};
  if (container === undefined) return unit;
  const pod = container.pod === undefined ? '' : ` pod ${container.pod}`;
  return `${container.runtime} ${container.id.slice(0, 12)}${pod}`;
}

/** Its program, its effective user and where it is, as far as known. The host's words: not yet harmless. */
export function whoFacts(who: ProcessIdentity | undefined): string[] {
  const user = who?.euid === undefined ? undefined : `uid ${who.euid}`;
  return [who?.exe, user, whereText(who)].filter((fact) => fact !== undefined);
}

/** `'sshd(812) > bash(1201)'`: the oldest first. The host's words: not yet harmless. */
export function ancestryText(who: ProcessIdentity | undefined): string {
  const chain = who?.ancestry.toReversed() ?? [];
  return chain.map(({ pid, comm }) => `${comm}(${pid})`).join(' > ');
}
