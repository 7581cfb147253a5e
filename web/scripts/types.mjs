// The types of the API's records, from its own description. ASP.NET says of each number that it may be sent as a string; it is never answered as one.
import { readFileSync, writeFileSync } from "node:fs";
import openapi, { astToString } from "openapi-typescript";

const description = JSON.parse(readFileSync(new URL("../../docs/openapi.json", import.meta.url), "utf8"));
const text = astToString(await openapi(description)).replaceAll("number | string", "number");
writeFileSync(new URL("../src/api/schema.d.ts", import.meta.url), text);
