import type { Network, Vm } from "../api/types";

const most = 200;
const step = 32;
const networkX = 20;
const vmX = 380;

/** Pure: networks on the left, each as tall as needs be, the VMs on the right, a line for each card. */
export function draw(networks: readonly Network[], vms: readonly Vm[]) {
  const shown = vms.filter((vm) => vm.spec.nics?.some((nic) => nic.network)).slice(0, most);
  const first = (vm: Vm) => networks.findIndex((network) => vm.spec.nics?.some((nic) => nic.network === network.id));
  const ordered = [...shown].sort((left, right) => first(left) - first(right) || left.name.localeCompare(right.name));
  const placed = ordered.map((vm, index) => ({ vm, x: vmX, y: 20 + index * step }));
  let y = 20;
  const boxes = networks.map((network) => {
    const height = Math.max(48, placed.filter((one) => first(one.vm) === networks.indexOf(network)).length * step - 8);
    const box = { network, x: networkX, y, height };
    y += height + 16;
    return box;
  });
  const cables = placed.flatMap(({ vm, y: at }) => (vm.spec.nics ?? []).flatMap((nic) => {
    const box = boxes.find((one) => one.network.id === nic.network);
    if (!box) return [];
    const from = Math.min(Math.max(at + 12, box.y + 12), box.y + box.height - 12);
    return [{ id: `${vm.id}/${nic.slot}`, path: `M${networkX + 180} ${from}C${networkX + 270} ${from} ${vmX - 90} ${at + 12} ${vmX} ${at + 12}` }];
  }));
  return { networks: boxes, vms: placed, cables, width: vmX + 180, height: Math.max(y, 20 + placed.length * step) + 12, left: vms.length - shown.length };
}
