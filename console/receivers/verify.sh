# Verifies a request that was kept, its body in the file body.json. Run it with:
# WEBHOOK_SECRET='whsec_…' ID='…' TIMESTAMP='…' SIGNATURE='v1,…' sh verify.sh
key=$(printf %s "${WEBHOOK_SECRET#whsec_}" | base64 -d | od -An -v -tx1 | tr -d ' \n')
if [ -z "$key" ]; then
  echo "set WEBHOOK_SECRET to the webhook's secret, whsec_…"
  exit 2
fi
want=v1,$({ printf '%s.%s.' "$ID" "$TIMESTAMP"; cat body.json; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)
for signature in $SIGNATURE; do
  if [ "$signature" = "$want" ]; then
    echo "the signature is right"
    exit 0
  fi
done
echo "the signature is wrong"
exit 1
