"""A page that shows the OpenAPI document to a person; the browser fetches Swagger UI for it."""

_PLACE = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5"

HTML = f"""<!DOCTYPE html>
<html>
<head>
<meta name="viewport" content="width=device-width, initial-scale=1.0">
<link rel="stylesheet" href="{_PLACE}/swagger-ui.css">
<title>modelserver</title>
</head>
<body>
<div id="swagger-ui"></div>
<script src="{_PLACE}/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({{url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true}})</script>
</body>
</html>
""".encode()
"""The page."""
