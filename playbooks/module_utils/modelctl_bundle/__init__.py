"""What an air-gapped site carries: packages below their vendors' signatures, images, a manifest."""
