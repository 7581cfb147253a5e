import { afterEach, expect, it } from "vitest";
import { located, projectOf } from "../src/api/http";

afterEach(() => { projectOf.call = () => undefined; });

const known: Record<string, string> = { "vms/one": "lab", "vms/two": "default", "images/a/b": "lab" };
const know = () => { projectOf.call = (kind, id) => known[`${kind}/${id}`]; };

it.each([
  ["/v1/vms/one", "/v1/vms/one?project=lab"],
  ["/v1/vms/one/disks/0", "/v1/vms/one/disks/0?project=lab"],
  ["/v1/vms/one?force=true", "/v1/vms/one?force=true&project=lab"],
  ["/v1/images/a%2Fb", "/v1/images/a%2Fb?project=lab"],
])("names the project of the object of %s", (path, expected) => {
  know();
  expect(located(path)).toBe(expected);
});

it.each(["/v1/vms/two/start", "/v1/vms/nobody", "/v1/vms", "/v1/vms?project=*", "/v1/vms/one?project=art", "/healthz"])("leaves %s as it is", (path) => {
  know();
  expect(located(path)).toBe(path);
});
