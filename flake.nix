{
  description = "Cluster API infrastructure provider for Microsoft System Center Virtual Machine Manager";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forEach = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      # The lock file records no download addresses; npm's own default is what they would be.
      registry = "https://${npmHost}";
      npmHost = nixpkgs.lib.concatStringsSep "." [ "registry" "npmjs" "org" ];
      fileName = name: nixpkgs.lib.last (nixpkgs.lib.splitString "/" name);
      packageName = path: nixpkgs.lib.last (nixpkgs.lib.splitString "node_modules/" path);
      resolve =
        path: module:
        if path == "" || module ? resolved || module.link or false then
          module
        else
          module
          // {
            resolved =
              let
                name = module.name or (packageName path);
              in
              "${registry}/${name}/-/${fileName name}-${module.version}.tgz";
          };
      lock = nixpkgs.lib.importJSON ./package-lock.json;
    in
    {
      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.nodejs_24
            pkgs.importNpmLock.hooks.linkNodeModulesHook
            # The tools of the scripts: seed media are read back, kubectl meets the demo, pypsrp meets the simulator.
            pkgs.xorriso
            pkgs.cdrkit
            pkgs.cloud-init
            pkgs.kubectl
            pkgs.python3
          ];
          npmDeps = pkgs.importNpmLock.buildNodeModules {
            npmRoot = ./.;
            package = nixpkgs.lib.importJSON ./package.json;
            packageLock = lock // {
              packages = builtins.mapAttrs resolve lock.packages;
            };
            nodejs = pkgs.nodejs_24;
          };
        };
      });
      formatter = forEach (pkgs: pkgs.nixfmt-rfc-style);
    };
}
