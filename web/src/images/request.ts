import type { components } from "../api/schema";

type ImageCreate = components["schemas"]["ImageCreate"];

/** What the daemon can build by itself. */
export const recipes = ["debian/12"] as const;

/** What the form holds. */
export interface ImageWish {
  from: "catalogue" | "recipe" | "url";
  catalogue: string;
  recipe: string;
  url: string;
  checksumsUrl: string;
  sha256: string;
  name: string;
  pool: string;
}

/** Pure: the request; what is got by a name bears it, unless another one is given. */
export function imageRequest(wish: ImageWish): ImageCreate {
  const pool = wish.pool ? { pool: wish.pool } : {};
  if (wish.from === "catalogue") return { name: wish.name || wish.catalogue, catalogue: wish.catalogue, ...pool };
  if (wish.from === "recipe") return { name: wish.name || wish.recipe, recipe: wish.recipe, ...pool };
  return { name: wish.name, url: wish.url, ...(wish.checksumsUrl ? { checksumsUrl: wish.checksumsUrl } : {}), ...(wish.sha256 ? { sha256: wish.sha256 } : {}), ...pool };
}
