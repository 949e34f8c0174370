import type { Recipe } from './sandbox/recipe.ts';

/** A compartment's recipe and the files that go with it: the filter, what runs, what that finds beside it. */
export interface CompartmentRecipe extends Recipe {
  readonly files: readonly RecipeFile[];
}

export interface RecipeFile {
  readonly name: string;
  readonly path: string;
  /** SHA-256 in hexadecimal, from the build's manifest. */
  readonly hash: string;
}

/** By kind; what whoever starts the launcher gives it on its standard input, as JSON. */
export type Recipes = Readonly<Record<string, CompartmentRecipe>>;
