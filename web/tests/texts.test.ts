import { expect, it } from "vitest";
import { en } from "../src/i18n/en";
import { ko } from "../src/i18n/ko";

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

it.each(Object.keys(en) as (keyof typeof en)[])("says %s with the same values in both languages", (key) => {
  expect(ko[key]).not.toBe("");
  expect(holes(ko[key])).toEqual(holes(en[key]));
});
