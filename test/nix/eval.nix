# Evaluates every output of the flake strictly against a stub of nixpkgs: what `nix flake check` would parse, without a network.
let
  lib = {
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    last = list: builtins.elemAt list (builtins.length list - 1);
    splitString = separator: text: builtins.filter builtins.isString (builtins.split separator text);
    concatStringsSep = builtins.concatStringsSep;
    importJSON = path: builtins.fromJSON (builtins.readFile path);
  };
  # Every package is a name; what builds something shows what it was given.
  packages = {
    nodejs_24 = "nodejs_24";
    xorriso = "xorriso";
    cdrkit = "cdrkit";
    cloud-init = "cloud-init";
    kubectl = "kubectl";
    python3 = "python3";
    nixfmt-rfc-style = "nixfmt-rfc-style";
    mkShell = arguments: { type = "shell"; } // arguments;
    importNpmLock = {
      hooks.linkNodeModulesHook = "linkNodeModulesHook";
      buildNodeModules =
        { npmRoot, package, packageLock, nodejs }:
        {
          inherit (package) name;
          inherit nodejs;
          inherit (packageLock) lockfileVersion;
          unresolved = builtins.filter (path: path != "" && !(packageLock.packages.${path} ? resolved)) (
            builtins.attrNames packageLock.packages
          );
          sample = packageLock.packages."node_modules/effect".resolved;
        };
    };
  };
  flake = import ../../flake.nix;
  outputs = flake.outputs {
    self = { };
    nixpkgs = {
      inherit lib;
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ] (_: packages);
    };
  };
in
{
  inherit (flake) description;
  inputs = builtins.attrNames flake.inputs;
  inherit outputs;
}
